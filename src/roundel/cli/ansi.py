"""Output of jobs, made harmless for a terminal that it does not own."""

import re

_COLOURS = r"\x1b\[[0-9;:]*m"
_SEQUENCE = re.compile(
    rf"(?P<kept>{_COLOURS})"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # moves and erases
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|$)"  # titles, links, device strings
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"  # an ESC that begins none of these, too
)
RESET = "\x1b[0m"


def tamed(text: str) -> str:
    """Return a line with nothing in it that moves a cursor, erases or sets up; colours stay.

    Colours that are still on at its end are ended there.
    """
    if text.isprintable():
        return text
    kept = _SEQUENCE.sub(lambda match: match["kept"] or "", text)
    return kept + RESET if "\x1b" in kept else kept
