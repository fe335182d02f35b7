"""Additional SSH keys of projects, as clients of v1.1 give and remove them."""

import msgspec

from roundel.api.operations import V1, AnyOperation, Call, Operation
from roundel.api.schemas.common import Message, Time, millis
from roundel.api.subjects import PROJECT
from roundel.domain.access import Need
from roundel.domain.projects import Project
from roundel.domain.ssh_keys import SshKey


class SshKeyBody(msgspec.Struct):
    """Without a host name, or with an empty one, the key is for all hosts."""

    private_key: str
    hostname: str | None = None


class SshKeyNamed(msgspec.Struct):
    """Without a host name the key goes for all hosts that have it."""

    fingerprint: str
    hostname: str | None = None


class SshKeyShown(msgspec.Struct):
    hostname: str
    public_key: str
    fingerprint: str
    time: Time


def _shown(key: SshKey) -> SshKeyShown:
    return SshKeyShown(key.hostname, key.public_key, key.md5, millis(key.created_at))


async def add(call: Call[Project, SshKeyBody]) -> SshKeyShown:
    body = call.body
    key = await call.door.use_cases.add_ssh_key(call.subject, body.hostname, body.private_key)
    return _shown(key)


async def keys(call: Call[Project, None]) -> list[SshKeyShown]:
    return [_shown(key) for key in await call.app.ssh_keys.ssh_keys(call.subject.id)]


async def remove(call: Call[Project, SshKeyNamed]) -> Message:
    body = call.body
    await call.door.use_cases.remove_ssh_key(call.subject, body.hostname, body.fingerprint)
    return Message("ok")


_ALL = "/project/{project-slug}/ssh-key"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="POST",
        path=_ALL,
        id="addSshKeyV1",
        summary="Add an SSH key for a host",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=add,
        prefix=V1,
        body=SshKeyBody,
        answer=SshKeyShown,
        status=201,
    ),
    Operation(
        method="GET",
        path=_ALL,
        id="sshKeysV1",
        summary="All additional SSH keys, by their public halves",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=keys,
        prefix=V1,
        answer=list[SshKeyShown],
        extension=True,
    ),
    Operation(
        method="DELETE",
        path=_ALL,
        id="deleteSshKeyV1",
        summary="Delete an SSH key",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=remove,
        prefix=V1,
        body=SshKeyNamed,
        answer=Message,
    ),
]
