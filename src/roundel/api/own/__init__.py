"""Roundel's own calls, outside of CircleCI's document."""
