"""Pipeline definitions and triggers over the API and the real store."""

import sqlite3
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest

from roundel.api.app import create_api
from roundel.api.schemas.definitions import Preset
from roundel.app import UseCases
from roundel.domain.access import Role
from roundel.domain.git_hosts import Provider
from roundel.domain.pipelines import Ref
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Slug
from roundel.services.connections import Connect
from roundel.store.schema import MIGRATIONS, prepare
from roundel.vault.tokens import digest_of
from tests.api.client import Answer, Client
from tests.api.conftest import SETTINGS
from tests.api.test_published_schema import as_json_schema, complete
from tests.api.world import an_id
from tests.scenarios.conftest import House
from tests.scenarios.definition_places import Place, a_place


@pytest.fixture
async def place(house: House) -> Place:
    return await a_place(house)


async def test_every_project_has_a_definition_of_its_own_repository(place: Place):
    [shown] = (await place.client.get(place.definitions)).json()["items"]
    own = {"full_name": "acme/web", "external_id": place.web.id}
    assert shown["config_source"] == {
        "provider": "github_oauth",
        "repo": own,
        "file_path": ".circleci/config.yml",
    }
    assert shown["checkout_source"] == {"provider": "github_oauth", "repo": own}
    assert (await place.client.get(f"{place.definitions}/{shown['id']}")).json() == shown
    refused = await place.send("DELETE", f"{place.definitions}/{shown['id']}")
    assert (refused.status, "default definition" in refused.message) == (400, True)


async def test_a_definition_is_made_changed_and_removed(place: Place):
    shown = await place.make()
    assert shown["config_source"]["repo"] == {
        "full_name": "acme/infra",
        "external_id": place.infra.id,
    }
    one = f"{place.definitions}/{shown['id']}"
    changed = await place.send(
        "PATCH", one, {"name": "ship", "config_source": {"file_path": "ci/ship.yml"}}
    )
    assert changed.json() == {
        **shown,
        "name": "ship",
        "config_source": {**shown["config_source"], "file_path": "ci/ship.yml"},
    }
    items = (await place.client.get(place.definitions)).json()["items"]
    assert [it["name"] for it in items] == ["default", "ship"]
    assert (await place.send("DELETE", one)).status == 200
    assert (await place.client.get(one)).status == 404


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "  "}, "name"),
        ({"config_source": {"provider": "github_app", "file_path": "a.yml"}}, "config_source.repo"),
        ({"config_source": {"provider": "circleci", "file_path": "../../etc"}}, "file_path"),
        ({"config_source": {"provider": "circleci", "file_path": "/etc/x"}}, "file_path"),
        (
            {"checkout_source": {"provider": "github_app", "repo": {"external_id": "/srv/x"}}},
            "is no repository of gh/acme",
        ),
        ({"checkout_source": {"provider": "subversion"}}, "checkout_source"),
    ],
)
async def test_a_definition_that_makes_no_sense_is_refused(
    place: Place, changes: dict[str, Any], words: str
):
    answer = await place.client.post(place.definitions, place.body(**changes))
    assert (answer.status, words in answer.message) == (400, True), answer


async def test_nobody_names_a_repository_of_another_organization(place: Place):
    house = place.house
    slug = Slug.parse("gh/globex/secret")
    foreign = await house.use.add_project(slug, "/srv/secret.git", None, house.admin)
    source = {"provider": "github_app", "repo": {"external_id": foreign.id}}
    answer = await place.client.post(place.definitions, place.body(checkout_source=source))
    assert (answer.status, "is no repository of gh/acme" in answer.message) == (400, True), answer


async def test_a_repository_is_named_by_the_id_of_its_host_too(place: Place):
    house = place.house
    connected = await house.use.git.connect(
        Connect(organization=place.web.organization, project=None, provider=Provider.GITHUB)
    )
    await house.engine.database.write(
        lambda tx: tx.connections.put_link(
            connected.connection.id, "4711", place.infra.id, "acme/infra"
        )
    )
    source = {"provider": "github_app", "repo": {"external_id": "4711"}}
    shown = await place.make(checkout_source=source)
    assert shown["checkout_source"]["repo"] == {"full_name": "acme/infra", "external_id": "4711"}


async def test_a_run_takes_config_and_checkout_from_where_its_definition_says(place: Place):
    house = place.house
    house.repositories.branches |= {"trunk", "feature"}
    shown = await place.make()
    run = "/api/v2/project/gh/acme/web/pipeline/run"
    answer = await place.client.post(
        run, {"definition_id": shown["id"], "checkout": {"branch": "feature"}}
    )
    assert answer.status == 201, answer
    await house.engine.ticks.settled()
    assert house.repositories.asked == [
        ("/srv/web.git", Ref(branch="feature"), "ci/deploy.yml"),
        ("/srv/infra.git", Ref(branch="trunk"), "ci/deploy.yml"),
    ]
    values = house.compiler.asked[-1].values
    assert {name: values[f"pipeline.{name}"] for name in SHOWN_VALUES} == {
        "definition.id": shown["id"],
        "git.branch": "feature",
        "config.file_path": "ci/deploy.yml",
        "config.ref": "refs/heads/trunk",
        "config.repository.name": "infra",
        "config.repository.url": "/srv/infra.git",
    }
    order = await house.runner.claim()
    assert order is not None and order.checkout is not None
    assert (order.checkout.repository_url, order.checkout.branch) == ("/srv/web.git", "feature")


SHOWN_VALUES = (
    *("definition.id", "git.branch", "config.file_path", "config.ref"),
    *("config.repository.name", "config.repository.url"),
)


async def test_a_checkout_elsewhere_is_what_jobs_clone(place: Place):
    house = place.house
    house.repositories.branches.add("trunk")
    elsewhere = {"provider": "github_app", "repo": {"external_id": place.infra.id}}
    config = {"provider": "circleci", "file_path": ".circleci/config.yml"}
    shown = await place.make(checkout_source=elsewhere, config_source=config)
    run = "/api/v2/project/gh/acme/web/pipeline/run"
    assert (await place.client.post(run, {"definition_id": shown["id"]})).status == 201
    await house.engine.ticks.settled()
    order = await house.runner.claim()
    assert order is not None and order.checkout is not None
    assert (order.checkout.repository_url, order.checkout.branch) == ("/srv/infra.git", "trunk")


async def test_a_run_without_a_definition_is_one_of_the_default(place: Place):
    run = "/api/v2/project/gh/acme/web/pipeline/run"
    answer = await place.client.post(run, {"config": {"branch": "main"}, "parameters": {"a": 1}})
    assert answer.status == 201, answer
    assert set(answer.json()) == {"id", "state", "number", "created_at"}
    pipeline = await place.house.pipeline(answer.json()["id"])
    assert (pipeline.ref, pipeline.parameters) == (Ref(branch="main"), {"a": 1})
    assert pipeline.definition_id == place.web.id
    assert (await place.client.post(run, {"definition_id": an_id()})).status == 404
    assert (await place.client.post(run, {"config": {"branch": "none"}})).status == 400
    assert (await place.client.post(run, {"surprise": 1})).status == 400
    both = {"checkout": {"branch": "main", "tag": "v1"}}
    assert (await place.client.post(run, both)).status == 400


async def test_a_commit_that_asks_for_no_pipeline_is_answered_200(place: Place):
    place.house.repositories.subject = "Mend it [skip ci]"
    answer = await place.client.post("/api/v2/project/gh/acme/web/pipeline/run", {})
    assert (answer.status, "[ci skip]" in answer.message) == (200, True)


async def test_viewers_look_at_definitions_and_change_none(place: Place):
    house = place.house
    token = await house.use.create_token("vic", None, house.admin)
    vic = await house.engine.reads.actor(digest_of(token.text))
    assert vic is not None
    await house.engine.database.write(
        lambda tx: tx.people.give_role(place.web.organization.id, vic.id, Role.VIEWER)
    )
    viewer = Client(create_api(house.engine, UseCases(house.engine), SETTINGS), token.text)
    assert (await viewer.get(place.definitions)).status == 200
    assert (await viewer.post(place.definitions, place.body())).status == 403
    run = await viewer.post("/api/v2/project/gh/acme/web/pipeline/run", {})
    assert run.status == 403


def test_the_presets_of_the_document_are_those_of_the_domain():
    assert set(get_args(Preset)) == {preset.value for preset in EventPreset}


def test_older_databases_give_every_project_its_default_definition(tmp_path: Path):
    path = tmp_path / "store"
    prepare(path)
    connection = sqlite3.connect(path)
    connection.executescript(
        "INSERT INTO organization (id, vcs, name, created_at) VALUES ('o', 'gh', 'acme', 1);"
        "INSERT INTO project (id, organization_id, slug, name, repository_url, default_branch,"
        " created_at) VALUES ('p', 'o', 'gh/acme/web', 'web', '/srv/web', 'main', 7);"
    )
    text = (MIGRATIONS / "0061-definitions.sql").read_text()
    connection.executescript(text[text.index("INSERT INTO") :])
    rows = connection.execute("SELECT id, project_id, created_at FROM pipeline_definition")
    assert rows.fetchall() == [("p", "p", 7)]
    connection.close()


@pytest.mark.spec
async def test_definitions_and_triggers_are_as_published(place: Place):

    components = as_json_schema(complete()["components"])

    def held(name: str, answer: Answer) -> Any:
        assert answer.status == 200, answer
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema_rs.Draft7Validator(schema, validate_formats=True).validate(answer.json())
        return answer.json()

    made = held("pipelineDefinition", await place.client.post(place.definitions, place.body()))
    held("pipelineDefinitionList", await place.client.get(place.definitions))
    one = f"{place.definitions}/{made['id']}"
    held("pipelineDefinition", await place.client.get(one))
    source = {"event_source": {"provider": "webhook"}}
    trigger = held("trigger", await place.client.post(f"{one}/triggers", source))
    held("triggerList", await place.client.get(f"{one}/triggers"))
    target = f"/api/v2/projects/{place.web.id}/triggers/{trigger['id']}"
    held("trigger", await place.client.get(target))


async def test_a_config_that_is_given_runs_in_the_place_of_the_repositorys(place: Place):
    house = place.house
    run = "/api/v2/project/gh/acme/web/pipeline/run"
    texts = []
    for content in ("", "version: 2.1 # mine"):
        body = {"config": {"branch": "main", "content": content}, "checkout": {"branch": "main"}}
        answer = await place.client.post(run, body)
        assert answer.status == 201, answer
        await house.engine.ticks.settled()
        texts.append(house.compiler.asked[-1].text)
        order = await house.runner.claim()
        assert order is not None and order.checkout is not None
        assert order.checkout.branch == "main"
    assert texts[1] == "version: 2.1 # mine" != texts[0]


async def test_a_definition_that_is_removed_is_no_rollback_pipeline_any_more(place: Place):
    settings = f"/api/v2/deploy/projects/{place.web.id}/settings"
    id_ = (await place.make())["id"]
    wrong = await place.send("PATCH", settings, {"rollback_pipeline_definition_id": an_id()})
    assert (wrong.status, wrong.message) == (404, "Pipeline definition not found.")
    chosen = {"rollback_pipeline_definition_id": id_}
    assert (await place.send("PATCH", settings, chosen)).json() == chosen
    assert (await place.send("DELETE", f"{place.definitions}/{id_}")).status == 200
    assert (await place.client.get(settings)).json() == {}
