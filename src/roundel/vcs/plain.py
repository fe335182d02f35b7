"""Plain git without a host: what our hook in a bare repository says.

The body is text: a first line `roundel-push 1 ID`, then the lines that git gives to a hook,
`BEFORE AFTER REF`.  Shells can write that without any program's help.
"""

from collections.abc import Mapping

from roundel.domain.git_events import (
    BranchDelete,
    GitEvent,
    HostRepository,
    Ignored,
    Message,
    Push,
    Sender,
    TagPush,
    revision_or_none,
)
from roundel.domain.git_hosts import Unverified
from roundel.vcs.addresses import is_revision, ref_names
from roundel.vcs.protocol import same

GREETING = "roundel-push 1 "
MOST_REFS = 1000  # of one push; a look at the repository finds the rest
LONGEST_LOGIN = 200


class PlainGit:
    """Implements `domain.git_hosts.GitHost` for repositories with our hook."""

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the hook's token came along."""
        del raw_body
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and same(given.strip(), secret)

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what was pushed."""
        try:
            first, *lines = raw_body.decode().splitlines()
        except (UnicodeDecodeError, ValueError):
            return Unverified("The body is not what Roundel's hook sends.", status=400)
        if not first.startswith(GREETING):
            return Unverified("The body is not what Roundel's hook sends.", status=400)
        login = headers.get("x-roundel-pusher", "").encode("latin-1").decode("utf-8", "replace")
        sender = Sender(login=login.strip()[:LONGEST_LOGIN])
        events: list[GitEvent] = []
        ignored: list[Ignored] = []
        for line in lines[:MOST_REFS]:
            found = _read_line(line, sender)
            if isinstance(found, Ignored):
                ignored.append(found)
            else:
                events.append(found)
        if not lines:
            ignored.append(Ignored("nothing was pushed"))
        return Message(
            id=first.removeprefix(GREETING).strip(),
            name="push",
            events=tuple(events),
            ignored=tuple(ignored),
        )


_HERE = HostRepository(external_id="", owner="", name="")


def _read_line(line: str, sender: Sender) -> GitEvent | Ignored:
    before, _, rest = line.partition(" ")
    after, _, ref = rest.partition(" ")
    if not (is_revision(before) and is_revision(after)):
        return Ignored("a line is not BEFORE AFTER REF")
    _, _, name = ref.partition("/")
    kind, _, name = name.partition("/")
    old, new = revision_or_none(before), revision_or_none(after)
    if kind == "heads" and ref_names(name, None):
        if new is None:
            return BranchDelete(repository=_HERE, sender=sender, branch=name, before=old)
        return Push(repository=_HERE, sender=sender, branch=name, before=old, after=new)
    if kind == "tags" and ref_names(None, name):
        if new is None:
            return Ignored(f"the tag {name} is deleted")
        return TagPush(repository=_HERE, sender=sender, tag=name, before=old, after=new)
    return Ignored(f"{ref[:200]} is neither a branch nor a tag")
