"""Usage exports: from the order to the file."""

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.access import Role
from roundel.domain.clock import DAY, HOUR, Micros, rfc3339_millis
from roundel.domain.ids import new_id
from roundel.domain.projects import Slug
from roundel.domain.usage import ExportId, ExportState, UsageExport
from roundel.services import usage
from roundel.vault.tokens import digest_of
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House


class Office:
    """Somebody who asks for exports."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.api = create_api(house.engine, UseCases(house.engine), SETTINGS)
        self.client = Client(self.api, (house.folder / "admin-token").read_text().strip())
        self.path = f"/api/v2/organizations/{house.project.organization.id}/usage_export_job"

    async def order(self, **changes: Any) -> Answer:
        now = self.house.clock.now()
        body = {
            "start": rfc3339_millis(Micros(now - DAY)),
            "end": rfc3339_millis(Micros(now + HOUR)),
        }
        return await self.client.post(self.path, {**body, **changes})

    async def state(self, export: str) -> Any:
        return (await self.client.get(f"{self.path}/{export}")).json()

    async def ready(self, **changes: Any) -> Any:
        """Order an export and return what it is once it has been written."""
        made = await self.order(**changes)
        assert made.status == 201, made
        await self.house.engine.ticks.tick()
        await self.house.engine.ticks.settled()
        return await self.state(made.json()["usage_export_job_id"])

    async def lines(self, export: Any) -> list[dict[str, str]]:
        """Fetch the file without a token, as the address is the right, and read it."""
        [url] = export["download_urls"]
        answer = await Client(self.api).get(url.removeprefix("http://ci.example"))
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == "application/gzip"
        return list(csv.DictReader(io.StringIO(gzip.decompress(answer.body).decode())))


@pytest.fixture
async def office(house: House) -> AsyncIterator[Office]:
    yield Office(house)


async def test_an_export_has_a_line_for_each_job_that_ended_in_the_span(office: Office) -> None:
    house = office.house
    pipeline = await house.trigger(a_plan("build", "test<build"))
    await house.runner.run_all()
    export = await office.ready()
    assert export["state"] == "completed"
    lines = await office.lines(export)
    assert [line["JOB_NAME"] for line in lines] == ["build", "test"]
    workflow = await house.workflow(pipeline)
    job = (await house.jobs(workflow.id))["build"]
    first = lines[0]
    assert list(first) == list(usage.COLUMNS)
    assert first["ORGANIZATION_NAME"] == "acme"
    assert first["PROJECT_ID"] == house.project.id
    assert first["VCS_NAME"] == "GITHUB"
    assert (first["PIPELINE_ID"], first["PIPELINE_NUMBER"]) == (pipeline.id, "1")
    assert (first["VCS_BRANCH"], first["PIPELINE_TRIGGER_SOURCE"]) == ("main", "api")
    assert first["PIPELINE_TRIGGER_USER_ID"] == house.admin.id
    assert first["IS_UNREGISTERED_USER"] == "false"
    assert (first["WORKFLOW_ID"], first["WORKFLOW_NAME"]) == (workflow.id, "main")
    assert first["IS_WORKFLOW_SUCCESSFUL"] == "true"
    assert (first["JOB_ID"], first["JOB_RUN_NUMBER"]) == (job.id, "1")
    assert job.started_at is not None
    assert first["JOB_RUN_STARTED_AT"] == rfc3339_millis(job.started_at)
    assert first["JOB_RUN_DATE"] == first["JOB_RUN_STARTED_AT"][:10]
    assert first["JOB_BUILD_STATUS"] == "success"
    assert first["MEDIAN_CPU_UTILIZATION_PCT"] == "\\N"
    assert first["TOTAL_CREDITS"] == first["COMPUTE_CREDITS"]


async def test_jobs_before_and_after_the_span_are_left_out(office: Office) -> None:
    house = office.house
    for _ in range(3):
        await house.trigger(a_plan("build"))
        await house.runner.run_all()
        house.clock.forward(2 * DAY)
    now = house.clock.now()
    export = await office.ready(
        start=rfc3339_millis(Micros(now - 5 * DAY)), end=rfc3339_millis(Micros(now - 3 * DAY))
    )
    assert [line["PIPELINE_NUMBER"] for line in await office.lines(export)] == ["2"]


async def test_many_jobs_come_over_several_reads(office: Office) -> None:
    house = office.house
    names = [f"job-{number}" for number in range(5)]
    await house.trigger(a_plan(*names))
    await house.runner.run_all()
    seen: list[str] = []
    after: int | None = 0
    reads = 0
    while after is not None:
        found, after = await house.engine.usage.jobs(
            house.project.id, after=after, start=Micros(0), end=house.clock.now(), limit=2
        )
        seen += [used.job.name for used in found]
        reads += 1
    assert sorted(seen) == names
    assert reads == 3


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"start": "yesterday"}, "start"),
        ({"start": "2027-01-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}, "end"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-12-31T00:00:00Z"}, "31 days"),
        ({"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}, "13 months"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_span_that_cannot_be_is_refused(
    office: Office, changes: dict[str, Any], named: str
) -> None:
    answer = await office.order(**changes)
    assert answer.status == 400
    assert named in answer.message


async def test_a_date_alone_is_taken_as_well(office: Office) -> None:
    answer = await office.order(start="2027-01-01", end="2027-01-10")
    assert answer.status == 201
    assert answer.json()["start"] == "2027-01-01T00:00:00.000Z"


async def test_an_organization_has_ten_exports_an_hour(office: Office) -> None:
    for _ in range(10):
        assert (await office.order()).status == 201
    refused = await office.order()
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    office.house.clock.forward(HOUR)
    assert (await office.order()).status == 201


async def test_others_organizations_are_neither_exported_nor_shown(office: Office) -> None:
    house = office.house
    made = (await office.order()).json()["usage_export_job_id"]
    token = await house.use.create_token("eve", None, house.admin)
    eve = Client(office.api, token.text)
    globex = (
        await house.use.add_project(Slug.parse("gh/globex/own"), "/srv/own", None, house.admin)
    ).organization
    person = await house.engine.reads.actor(digest_of(token.text))
    assert person is not None
    await house.engine.database.write(
        lambda tx: tx.people.give_role(globex.id, person.id, Role.ADMINISTRATOR)
    )
    assert (await eve.get(f"{office.path}/{made}")).status == 404
    own = office.path.replace(house.project.organization.id, globex.id)
    assert (await eve.get(f"{own}/{made}")).status == 404
    body = {"start": "2027-01-01", "end": "2027-01-02"}
    assert (await eve.post(own, body)).status == 201
    acme = house.project.organization.id
    assert (await eve.post(own, {**body, "shared_org_ids": [acme]})).status == 404


async def test_an_address_is_good_for_its_export_alone_and_not_for_ever(office: Office) -> None:
    [url] = (await office.ready())["download_urls"]
    [other] = (await office.ready())["download_urls"]
    anybody = Client(office.api)
    path, _, grant = url.removeprefix("http://ci.example").partition("?")
    assert (await anybody.get(path)).status == 403
    forged = other.removeprefix("http://ci.example").partition("?")[0]
    assert (await anybody.get(f"{forged}?{grant}")).status == 403
    office.house.clock.forward(DAY)
    assert (await anybody.get(f"{path}?{grant}")).status == 403


async def test_an_export_whose_writing_fails_again_and_again_says_so(office: Office) -> None:
    house = office.house
    now = house.clock.now()
    begun = UsageExport(  # with no timer, so that nobody else writes it meanwhile
        id=ExportId(new_id()),
        organization_id=house.project.organization.id,
        shared=(),
        start=now,
        end=now,
        state=ExportState.PROCESSING,
        created_at=now,
    )
    await house.engine.database.write(lambda tx: tx.usage.add(begun))
    await usage.write_export(begun.id, usage.ATTEMPTS + 1, house.engine)
    shown = await office.state(begun.id)
    assert shown["state"] == "failed"
    assert shown["error_reason"]


async def test_old_exports_go_with_their_files(office: Office) -> None:
    export = await office.ready()
    blob = f"usage/{office.house.project.organization.id}/{export['usage_export_job_id']}.csv.gz"
    assert await office.house.engine.blobs.size(blob)
    office.house.clock.forward(31 * DAY)
    await office.house.engine.ticks.tick()
    await office.house.engine.ticks.settled()
    assert await office.house.engine.blobs.size(blob) is None
    assert "message" in await office.state(export["usage_export_job_id"])


@pytest.mark.spec
async def test_exports_are_as_published(tmp_path: Path) -> None:
    from tests.api.test_published_schema import validator  # reads what is there only for specs

    house = House(tmp_path / "data")
    await house.open()
    office = Office(house)
    path = "/organizations/{org_id}/usage_export_job"
    made = await office.order()
    validator("post", path, "201").validate(json.loads(made.body))
    one = f"{path}/{{usage_export_job_id}}"
    validator("get", one, "200").validate(await office.ready())
    await house.engine.stop()
