"""Settings that are refused: each says what was wrong, and at which field; nothing is changed."""

import re

import pytest

from roundel.services.variables import LARGEST_VALUE
from tests.web.conftest import Street
from tests.web.refused import Refused
from tests.web.test_organization_settings import ROOT as ORGANIZATION
from tests.web.test_organization_settings import done, problem_of
from tests.web.test_project_settings import MOVED, NIGHTLY
from tests.web.test_project_settings import ROOT as PROJECT
from tests.web.visitor import text_of

ADMIN = {"login": "admin"}
LARGE = "v" * (LARGEST_VALUE + 1)
MONTHLY = {name: value for name, value in NIGHTLY.items() if name != "weekday"}
HOOK = {"name": "n", "url": "https://x.example/", "event": "job-completed"}
NEW = {"name": "n", "file_path": "a.yml"}


async def told_at(
    street: Street, path: str, fields: dict[str, str], status: int, why: str, fault: str
) -> Refused:
    """Send a form that is refused; see why it is, at which field, and that nothing has changed."""
    admin = await street.visitor()
    before = await street.house.dump()
    answer = await admin.post(path, **fields)
    assert answer.status == status
    assert why in problem_of(answer)
    refused = Refused(answer)
    assert refused.fault == fault
    if fault:
        assert refused.told == problem_of(answer)
    assert await street.house.dump() == before
    return refused


@pytest.mark.parametrize(
    ("path", "fields", "status", "why", "fault"),
    [
        ("/people", {"login": "nobody", "role": "viewer"}, 404, "Nobody is called nobody", "login"),
        ("/people", {"login": "", "role": "viewer"}, 400, "Say who", "login"),
        ("/people", {"login": "admin", "role": "king"}, 400, "expected viewer, contrib", "role"),
        ("/people", {"login": "admin", "role": "viewer"}, 409, "only administrator", "role"),
        ("/people", ADMIN | {"role": "viewer", "row": "1"}, 409, "only administrator", "role"),
        ("/people/remove", {"login": "admin"}, 409, "make somebody else one before", ""),
        ("/people/remove", {"login": "nobody"}, 404, "Member not found", ""),
        ("/invite", {"role": "king"}, 400, "Role: expected viewer", "role"),
        ("/invite/withdraw", {"invitation": "00"}, 404, "used already", ""),
        ("/invite/withdraw", {"invitation": "xyz"}, 400, "expected what the form says", ""),
        ("/groups", {"name": " "}, 400, "Name: expected a text that can be read", "name"),
        ("/groups", {"name": "ops", "description": "x" * 1001}, 400, "than 1000", "description"),
        ("/contexts", {"name": ""}, 400, "Name: expected a text that can be read", "name"),
        ("/runners", {"name": "a b"}, 400, "Name: expected namespace/name", "name"),
        ("/policies", {"enabled": "maybe"}, 400, "expected 0 or 1", ""),
        ("/orbs", {"name": "tools", "prefix": "ftp://x"}, 400, "begins with https://", "prefix"),
        ("/orbs", {"name": "", "prefix": "https://x/"}, 400, "Name: expected a text", "name"),
        ("/orbs/remove", {"entry": "x"}, 400, "expected what the form says", ""),
        ("/usage", {"start": "soon", "end": "2026-01-01"}, 400, "expected a day such", "start"),
        ("/usage", {"start": "2026-01-01", "end": "soon"}, 400, "Last day: expected", "end"),
        ("/usage", {"start": "2026-02-01", "end": "2026-01-01"}, 400, "before the first", "end"),
        ("/usage", {"start": "2026-01-01", "end": "2026-03-01"}, 400, "at most 31 days", "end"),
        ("", {"max_running_jobs": "x"}, 400, "Jobs at once: expected a whole", "max_running_jobs"),
        ("", {"keep_logs_days": "0"}, 400, "Keep output for days: expected", "keep_logs_days"),
        ("/delete", {"confirm": "acme"}, 400, "write gh/acme into the field", "confirm"),
    ],
)
async def test_a_refusal_of_an_organization_says_what_and_at_which_field(
    street: Street, path: str, fields: dict[str, str], status: int, why: str, fault: str
) -> None:
    refused = await told_at(street, ORGANIZATION + path, fields, status, why, fault)
    if fields.get(fault) and fault not in ("role", "confirm"):
        assert fields[fault] in refused.values[fault]  # what was typed is there still


@pytest.mark.parametrize(
    ("path", "fields", "status", "why", "fault"),
    [
        ("", {"max_running_jobs": "x"}, 400, "Jobs at once: expected a whole", "max_running_jobs"),
        ("", {"max_running_jobs": "0"}, 400, "from 1 to 36500, or nothing", "max_running_jobs"),
        ("", {"keep_logs_days": "0"}, 400, "Keep output for days: expected", "keep_logs_days"),
        ("", {"keep_pipelines_days": "99999"}, 400, "1 to 36500", "keep_pipelines_days"),
        ("/delete", {"confirm": "web"}, 400, "write gh/acme/web into the field", "confirm"),
        ("/project", MOVED | {"name": "a/b"}, 400, "Name: expected 1", "name"),
        ("/project", MOVED | {"repository_url": ""}, 400, "Repository: give", "repository_url"),
        ("/project", MOVED | {"default_branch": " "}, 400, "Default branch:", "default_branch"),
        ("/environment-variables", {"variable": "9x"}, 400, "begins with no digit", "variable"),
        ("/environment-variables", {"variable": "x" * 301}, 400, "is longer", "variable"),
        (
            "/environment-variables",
            {"variable": "A", "value": LARGE},
            400,
            "Value: larger",
            "value",
        ),
        ("/ssh/checkout", {"type": "master"}, 400, "expected deploy-key or github-user", "type"),
        ("/ssh/checkout/prefer", {"fingerprint": "x"}, 404, "Checkout key not found", ""),
        ("/ssh/checkout/remove", {"fingerprint": "x"}, 404, "Checkout key not found", ""),
        ("/ssh/additional", {"private_key": "x"}, 400, "Private key: ", "private_key"),
        ("/ssh/additional", {"hostname": "a b"}, 400, "Host name: 'a b' is not", "hostname"),
        ("/webhooks", {"name": " ", "url": "https://x.example/"}, 400, "Name: expected", "name"),
        ("/webhooks", {"name": "n", "url": "ftp://x"}, 400, "Address: ", "url"),
        ("/webhooks", {"name": "n", "url": "https://x.example/"}, 400, "at least one of", "event"),
        ("/webhooks", {"name": "n", "event": "x"}, 400, "Events", "event"),
        ("/webhooks", HOOK | {"secret": "s" * 1001}, 400, "Secret: longer than 1000", "secret"),
        ("/schedules", NIGHTLY | {"branch": ""}, 400, "Branch or tag", "branch"),
        ("/schedules", NIGHTLY | {"tag": "v1"}, 400, "Branch or tag", "branch"),
        ("/schedules", NIGHTLY | {"hours": "noon"}, 400, "Hours: expected whole", "hours"),
        ("/schedules", NIGHTLY | {"hours": "25"}, 400, "Hours must be one or more", "hours"),
        ("/schedules", NIGHTLY | {"per_hour": ""}, 400, "Times an hour", "per_hour"),
        ("/schedules", NIGHTLY | {"per_hour": "61"}, 400, "Times an hour must be", "per_hour"),
        ("/schedules", NIGHTLY | {"days": "1"}, 400, "and not both", "days"),
        ("/schedules", MONTHLY | {"days": "32"}, 400, "Days of the month", "days"),
        ("/schedules", NIGHTLY | {"weekday": "MOON"}, 400, "Days of the week must", "weekday"),
        ("/schedules", NIGHTLY | {"month": "MAYBE"}, 400, "Months must be of JAN", "month"),
        ("/schedules", NIGHTLY | {"parameters": "x"}, 400, "line 1", "parameters"),
        ("/schedules", NIGHTLY | {"parameters": "tag=1"}, 400, "of its own", "parameters"),
        ("/schedules", NIGHTLY | {"attribution": "me"}, 400, "On behalf of", "attribution"),
        ("/schedules", NIGHTLY | {"name": " "}, 400, "Name: a schedule must have one", "name"),
        ("/definitions", {"name": " ", "file_path": "a.yml"}, 400, "Name: expected 1", "name"),
        ("/definitions", {"name": "n", "file_path": "../a"}, 400, "Config file: ", "file_path"),
        ("/definitions", NEW | {"description": "x" * 2001}, 400, "Description: ", "description"),
        ("/definitions", NEW | {"checkout_repo": "x"}, 400, "no repo", "checkout_repo"),
        ("/definitions", NEW | {"config_repo": "x"}, 400, "no repo", "config_repo"),
        ("/ssh/additional/remove", {"hostname": "", "fingerprint": "x"}, 404, "not found", ""),
    ],
)
async def test_a_refusal_of_a_project_says_what_and_at_which_field(
    street: Street, path: str, fields: dict[str, str], status: int, why: str, fault: str
) -> None:
    await told_at(street, PROJECT + path, fields, status, why, fault)


async def test_a_refused_schedule_keeps_all_that_was_typed(street: Street) -> None:
    admin = await street.visitor()
    sent = {"description": "kept", "days": "1, 32", "weekday": "SUN", "month": "MAR"}
    for path in (f"{PROJECT}/schedules", await done(admin, f"{PROJECT}/schedules", **NIGHTLY)):
        page = Refused(await admin.post(path, **(NIGHTLY | sent | {"attribution": "system"})))
        assert page.fault == "days"
        for name, value in (NIGHTLY | sent).items():
            if name in ("name", "description", "branch", "hours", "per_hour", "days"):
                assert page.values[name] == [value], name
        assert page.texts["parameters"] == NIGHTLY["parameters"]
        text = text_of(page.answer)
        assert re.findall(r'value="(\w+)" checked', text) == ["SUN", "MAR"]
        assert '<option value="system" selected>' in text
