"""SSH keys of a project: those that its jobs clone with, and those for other hosts."""

from starlette.responses import Response

from roundel.domain.access import Need
from roundel.domain.checkout_keys import KeyType
from roundel.domain.errors import Invalid
from roundel.domain.projects import Project
from roundel.web import subjects
from roundel.web.addresses import address_of
from roundel.web.forms import Fields
from roundel.web.page import AnyPage, Page, Visit
from roundel.web.refusals import refused_on
from roundel.web.settings_pages import done, show_project

_FIELDS: Fields = {
    "hostname:": ("hostname", "Host name:"),
    "private_key:": ("private_key", "Private key:"),
}
_OF_PAIR: Fields = {"Type:": ("type", "")}


async def keys(visit: Visit[Project], *, problem: str = "", status: int = 200) -> Response:
    project = visit.subject
    return await show_project(
        visit,
        project,
        "project_keys.html",
        problem=problem,
        status=status,
        checkout_keys=await visit.app.checkout_keys.checkout_keys(project.id),
        ssh_keys=await visit.app.ssh_keys.ssh_keys(project.id),
        types=KeyType,
    )


@refused_on(keys, _OF_PAIR)
async def make(visit: Visit[Project]) -> Response:
    """Make a key pair, which jobs clone with from now on."""
    text = visit.field("type")
    if text not in list(KeyType):
        raise Invalid(f"Type: expected {' or '.join(KeyType)}, got {text[:40]!r}")
    await visit.hall.use_cases.add_checkout_key(visit.subject, KeyType(text))
    return _back(visit, "added")


@refused_on(keys)
async def prefer(visit: Visit[Project]) -> Response:
    await visit.hall.use_cases.prefer_checkout_key(visit.subject, visit.field("fingerprint"))
    return _back(visit, "preferred")


@refused_on(keys)
async def remove(visit: Visit[Project]) -> Response:
    await visit.hall.use_cases.remove_checkout_key(visit.subject, visit.field("fingerprint"))
    return _back(visit, "removed")


@refused_on(keys, _FIELDS)
async def add_additional(visit: Visit[Project]) -> Response:
    """Keep a private key for a host; it is not shown again."""
    host, key = visit.field("hostname"), visit.field("private_key").replace("\r\n", "\n")
    await visit.hall.use_cases.add_ssh_key(visit.subject, host, key)
    return _back(visit, "added")


@refused_on(keys)
async def remove_additional(visit: Visit[Project]) -> Response:
    host, fingerprint = visit.field("hostname"), visit.field("fingerprint")
    await visit.hall.use_cases.remove_ssh_key(visit.subject, host, fingerprint)
    return _back(visit, "removed")


def _back(visit: Visit[Project], what: str) -> Response:
    return done(f"{address_of.project_settings(visit.subject)}/ssh", what)


_ALL = "/settings/project/{vcs}/{organization}/{project}/ssh"

PAGES: list[AnyPage] = [
    Page(method="GET", path=_ALL, need=Need.READ, handler=keys, subject=subjects.project),
    Page(
        method="POST",
        path=f"{_ALL}/checkout",
        need=Need.WRITE,
        handler=make,
        subject=subjects.project,
        deed="createCheckoutKey",
    ),
    Page(
        method="POST",
        path=f"{_ALL}/checkout/prefer",
        need=Need.WRITE,
        handler=prefer,
        subject=subjects.project,
    ),
    Page(
        method="POST",
        path=f"{_ALL}/checkout/remove",
        need=Need.WRITE,
        handler=remove,
        subject=subjects.project,
        deed="deleteCheckoutKey",
    ),
    Page(
        method="POST",
        path=f"{_ALL}/additional",
        need=Need.WRITE,
        handler=add_additional,
        subject=subjects.project,
        deed="addSshKeyV1",
    ),
    Page(
        method="POST",
        path=f"{_ALL}/additional/remove",
        need=Need.WRITE,
        handler=remove_additional,
        subject=subjects.project,
        deed="deleteSshKeyV1",
    ),
]
