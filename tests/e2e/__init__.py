"""Whole servers, real engines, real clients."""
