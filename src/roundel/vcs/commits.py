"""Reading commit objects."""

import re

from roundel.domain.clock import SECOND, Micros
from roundel.domain.pipelines import Commit

_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?\d+)")


def parse_commit(revision: str, data: bytes) -> Commit:
    """Return the commit in `data`: its first line is the subject, the rest the body."""
    head, _, message = data.partition(b"\n\n")
    headers: dict[str, str] = {}
    for line in head.decode(errors="replace").split("\n"):
        name, _, value = line.partition(" ")
        headers.setdefault(name, value)
    author = _PERSON.match(headers.get("author", ""))
    committer = _PERSON.match(headers.get("committer", ""))
    subject, _, body = message.decode(errors="replace").strip("\n").partition("\n")
    return Commit(
        revision=revision,
        subject=subject.strip(),
        body=body.strip("\n"),
        author_name=author["name"] if author else "",
        author_email=author["email"] if author else "",
        committed_at=Micros(int(committer["seconds"]) * SECOND) if committer else None,
    )
