"""Secrets: token hashing, encryption at rest, environment assembly, the streaming masker."""
