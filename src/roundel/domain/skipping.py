"""Commits that ask for no pipeline."""

from roundel.domain.pipelines import Commit

MARKERS = ("[ci skip]", "[skip ci]")
LOOKED_AT = 250  # characters of the message, its subject and body in one


def asks_to_skip(commit: Commit) -> bool:
    """Tell whether the commit's message has a marker among its first characters."""
    message = f"{commit.subject}\n\n{commit.body}"[:LOOKED_AT]
    return any(marker in message for marker in MARKERS)
