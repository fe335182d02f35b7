"""Git repositories as the server sees them: find a revision, read the config at it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from roundel.domain.pipelines import Commit, Ref
from roundel.domain.records import dataclass
from roundel.domain.runners import Secret


class TroubleKind(StrEnum):
    """Why a repository gave no config."""

    REF_NOT_FOUND = "ref-not-found"
    NO_CONFIG = "no-config"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"  # an address or a name that we do not hand to git


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A repository's answer that is not a config: a value, as it is nobody's bug of ours."""

    kind: TroubleKind
    message: str
    commit: Commit | None = None  # known where only the config was missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The config of one commit."""

    commit: Commit
    text: str
    file: str  # its path in the repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What opens a repository that is not everybody's: a password for https, a key for ssh.

    With neither, `problem` says why its host has given none.
    """

    username: str = ""
    password: Secret | None = None
    ssh_key: Secret | None = None
    problem: str = ""


class Repositories(Protocol):
    """Reading repositories.  Nothing here raises for what a repository holds or lacks."""

    def check(self, url: str) -> None:
        """Refuse an address that is not a path, file://, ssh:// or https:// repository."""

    def is_local(self, url: str) -> bool:
        """Tell whether reading it costs no network."""

    async def resolve(self, url: str, ref: Ref, access: Access | None = None) -> str | Trouble:
        """Return the revision that `ref` names now, without fetching."""

    async def fetch(
        self,
        url: str,
        ref: Ref,
        revision: str | None = None,
        file: str | None = None,
        access: Access | None = None,
    ) -> Fetched | Trouble:
        """Return the config at `revision`, or at what `ref` names now; `file` is its path."""

    async def heads(self, url: str, access: Access | None = None) -> Mapping[str, str] | Trouble:
        """Return where all branches and tags are now, by their full names."""

    async def read_file(
        self, url: str, revision: str, path: str, access: Access | None = None
    ) -> bytes | Trouble | None:
        """Return a file of a commit that was fetched; None if the commit has none there."""
