"""The runner API, version 3: classes, tokens and runners."""
