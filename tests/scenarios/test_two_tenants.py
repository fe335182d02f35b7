"""A crawl of all operations as somebody of another organisation: nothing shows, nothing changes."""

import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roundel.api.app import create_api
from roundel.api.operations import AnyOperation
from roundel.api.routing import SLUG, SLUG_IN_PARTS
from roundel.api.table import operations
from roundel.app import UseCases
from roundel.domain.access import Need, Role, scopes_for
from roundel.domain.checkout_keys import KeyType
from roundel.domain.deploys import Release
from roundel.domain.projects import Slug
from roundel.vault.tokens import digest_of
from roundel.wire.statuses import STATUS_OF
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

SECRET = "kept-from-others"
POLICY = f'package org\npolicy_name["no_evil"]\nsecret := "{SECRET}"'
# What names no organisation in its path: the caller's own things, and what the body names.
TABLE = [it for it in operations() if it.subject is not None]


class Tenants:
    """acme, which has one of everything, and eve, who administers globex."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.api = create_api(house.engine, UseCases(house.engine), SETTINGS)
        self.names: dict[str, str] = {}
        self.eve = Client(self.api)

    async def settle(self) -> None:
        house, admin = self.house, self.house.admin
        pipeline = await house.trigger(a_plan("build", "ok?<build"))
        order = await house.runner.claim()
        assert order is not None
        release = Release(component=SECRET, environment=SECRET, version=SECRET)
        await house.engine.runners.log_release(order.lease, release)
        await house.runner.carry_out(order)
        await house.runner.run_all()
        await house.engine.ticks.tick()
        workflow = await house.workflow(pipeline)
        jobs = await house.jobs(workflow.id)
        key = await house.use.add_checkout_key(house.project, KeyType.DEPLOY)
        token = await house.use.create_token("eve", None, admin)
        self.eve = Client(self.api, token.text)
        slug = Slug.parse("gh/globex/own")
        globex = (await house.use.add_project(slug, "/srv/own.git", None, admin)).organization
        eve = await house.engine.reads.actor(digest_of(token.text))
        assert eve is not None
        await house.engine.database.write(
            lambda tx: tx.people.give_role(globex.id, eve.id, Role.ADMINISTRATOR)
        )
        own = Client(self.api, (house.folder / "admin-token").read_text().strip())
        variable = {"name": "HIDDEN", "value": SECRET}
        made = await own.post("/api/v2/project/gh/acme/web/envvar", variable)
        assert made.status == 201, made
        hook = await own.post(
            "/api/v2/webhook",
            {
                "name": "ours",
                "events": ["workflow-completed"],
                "url": "https://example.com",
                "scope": {"id": house.project.id, "type": "project"},
            },
        )
        trigger = await own.post(
            f"/api/v2/projects/{house.project.id}/pipeline-definitions/{house.project.id}/triggers",
            {"event_source": {"provider": "webhook"}, "event_name": SECRET},
        )
        owner = f"/api/v2/owner/{house.project.organization.id}/context/config"
        made = await own.post(f"{owner}/policy-bundle", {"policies": {"a.rego": POLICY}})
        assert made.status == 201, made
        await house.use.policies.switch(house.project.organization.id, enabled=True)
        await house.trigger(a_plan("build"))
        decisions = await own.get(f"{owner}/decision")
        export = await own.post(
            f"/api/v2/organizations/{house.project.organization.id}/usage_export_job",
            {"start": "2027-01-01", "end": "2027-01-02"},
        )
        group = await own.post(
            f"/api/v2/organizations/{house.project.organization.id}/groups", {"name": "ours"}
        )
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()
        host = await own.post(
            "/api/roundel/project/gh/acme/web/connection", {"provider": "github", "token": SECRET}
        )
        assert host.status == 201, host
        await house.engine.ticks.tick()
        await house.engine.ticks.settled()
        deployed = f"org-id={house.project.organization.id}"
        components = await own.get(f"/api/v2/deploy/components?{deployed}")
        environments = await own.get(f"/api/v2/deploy/environments?{deployed}")
        self.names = {
            "component_id": components.json()["items"][0]["id"],
            "environment_id": environments.json()["items"][0]["id"],
            "project-slug": "gh/acme/web",
            "org-slug": "gh/acme",
            "org-slug-or-id": house.project.organization.id,
            "vcs": "gh",
            "organization": "acme",
            "project": "web",
            "pipeline-id": pipeline.id,
            "pipeline-number": "1",
            "id": workflow.id,
            "job-id": jobs["build"].id,
            "approval_request_id": jobs["ok"].id,
            "job-number": "1",
            "workflow-name": "main",
            "job-name": "build",
            "fingerprint": key.md5,
            "name": "HIDDEN",
            "ownerID": house.project.organization.id,
            "context": "config",
            "policyName": "no_evil",
            "decisionID": decisions.json()[0]["id"],
            "orgID": house.project.organization.id,
            "projectID": house.project.id,
            "project_id": house.project.id,
            "pipeline_definition_id": house.project.id,
            "trigger_id": trigger.json()["id"],
            "org_id": house.project.organization.id,
            "group_id": group.json()["id"],
            "login": "admin",
            "usage_export_job_id": export.json()["usage_export_job_id"],
            "webhook-id": hook.json()["id"],
            "connection-id": host.json()["id"],
        }

    async def call(self, operation: AnyOperation) -> Answer:
        path = (operation.prefix + operation.path).replace(SLUG_IN_PARTS, SLUG)
        path = re.sub(r"\{([^}*]+)\*?\}", self._value, path)
        return await self.eve.send(
            operation.method, path, b"{}", {"content_type": "application/json"}
        )

    def _value(self, found: "re.Match[str]") -> str:
        return self.names.get(found.group(1), "018e2d5f-0000-7000-8000-00000000ffff")

    def rows(self) -> list[str]:
        """Return everything that is in the database, but for when tokens were last used."""
        connection = sqlite3.connect(self.house.folder / "roundel.sqlite3")
        try:
            lines = [line for line in connection.iterdump() if '"token"' not in line]
        finally:
            connection.close()
        return lines


@pytest.fixture
async def tenants(tmp_path: Path) -> AsyncIterator[Tenants]:
    house = House(tmp_path / "data")
    await house.open()
    tenants = Tenants(house)
    await tenants.settle()
    yield tenants
    await house.engine.stop()


async def test_nobody_sees_or_changes_what_another_organization_has(tenants: Tenants) -> None:
    own = await tenants.eve.get("/api/v2/project/gh/globex/own")
    assert own.status == 200, own
    before = tenants.rows()
    for operation in TABLE:
        answer = await tenants.call(operation)
        named = f"{operation.method} {operation.prefix}{operation.path}"
        assert operation.subject is not None
        unseen = STATUS_OF[operation.subject.unseen]
        assert answer.status == unseen, (named, answer)
        assert SECRET.encode() not in answer.body, named
    assert tenants.rows() == before


@pytest.mark.parametrize("scope", [None, Need.READ, Need.WRITE])
async def test_a_token_does_nothing_that_its_scopes_do_not_name(
    tenants: Tenants, scope: Need | None
) -> None:
    house = tenants.house
    allowed = frozenset({Need.SIGNED_IN}) if scope is None else scopes_for(scope)
    made = await house.use.create_token(None, None, house.admin, allowed)
    tenants.eve = Client(tenants.api, made.text)  # an administrator of all, but for the scopes
    before = tenants.rows()
    for operation in TABLE:
        assert operation.subject is not None
        if operation.need in allowed:
            continue
        answer = await tenants.call(operation)
        unseen = STATUS_OF[operation.subject.unseen]
        expected = {unseen} if Need.READ not in allowed else {403, unseen, 404}
        named = f"{operation.method} {operation.prefix}{operation.path}"
        assert answer.status in expected, (named, answer)
    assert tenants.rows() == before


async def test_tokens_that_may_have_leaked_are_revoked_by_one_call(tenants: Tenants) -> None:
    house = tenants.house
    token = (house.folder / "admin-token").read_text().strip()
    own = Client(tenants.api, token)
    assert (await tenants.eve.get("/api/v2/me")).status == 200
    body = {"created_before": "2999-01-01T00:00:00Z"}
    assert (await tenants.eve.post("/api/roundel/token/revoke", body)).status == 403
    answer = await own.post("/api/roundel/token/revoke", body)
    assert (answer.status, answer.json()["revoked"]) == (200, 2)
    for client in (own, tenants.eve):
        assert (await client.get("/api/v2/me")).status == 401


async def test_lists_without_a_name_hold_only_ones_own(tenants: Tenants) -> None:
    for operation in operations():
        if operation.method != "GET" or operation.subject is not None or "{" in operation.path:
            continue
        answer = await tenants.eve.get(operation.prefix + operation.path)
        if operation.path in ("/openapi.json", "/openapi.yml", "/openapi.yaml"):
            continue
        assert b"acme" not in answer.body, operation.path
