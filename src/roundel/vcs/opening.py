"""What opens a repository, for one git command: in variables and in memory, in no file of git's."""

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from roundel.domain.repositories import Access
from roundel.vcs.git import REMOTE, SSH
from roundel.wire.git_settings import asking_for_password, git_settings, password_variables


@contextmanager
def opened(url: str, access: Access | None, memory: Path | None) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which git reaches `url`, for as long as the block lasts.

    A password goes to an https address alone.  A key lies in `memory` meanwhile, and without such
    a folder there is none.
    """
    if access is None:
        yield REMOTE
    elif access.password and url.startswith("https://"):
        there = os.environ.get("GIT_CONFIG_COUNT", "")
        settings = git_settings(asking_for_password(url), int(there) if there.isdigit() else 0)
        yield {**REMOTE, **settings, **password_variables(access.username, access.password)}
    elif access.ssh_key and memory is not None and not url.startswith("https://"):
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=memory) as folder:
            key = Path(folder) / "key"
            key.touch(mode=0o600)
            key.write_text(access.ssh_key.rstrip("\n") + "\n")
            ssh = os.environ.get("GIT_SSH_COMMAND", SSH)
            words = shlex.join(["-i", str(key), "-o", "IdentitiesOnly=yes"])
            yield {**REMOTE, "GIT_SSH_COMMAND": f"{ssh} {words}"}
    else:
        yield REMOTE
