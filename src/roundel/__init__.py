"""Roundel: a self-hosted CI server that speaks CircleCI's API v2."""

__version__ = "0.1.0"
