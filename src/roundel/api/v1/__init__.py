"""The calls of API v1.1 that clients still make."""
