"""CircleCI's API v2, one file per noun."""
