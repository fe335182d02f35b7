"""Tries pycircleci-async call by call and prints what each gave, or how it failed.

It runs in the client's own environment, where nothing else is installed.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from pycircleci_async import CircleCIClient

_, USER, REPO = os.environ["SLUG"].split("/")
PIPELINE, ENDED, HELD = (
    os.environ[f"{it}"] for it in ("PIPELINE", "ENDED_WORKFLOW", "HELD_WORKFLOW")
)
SCHEDULE = {
    "name": "nightly",
    "description": "",
    "attribution-actor": "current",
    "parameters": {"branch": "main"},
    "timetable": {"per-hour": 1, "hours-of-day": [3], "days-of-week": ["MON"]},
}
results: dict[str, Any] = {}


async def call(name: str, act: Callable[[], Awaitable[Any]]) -> Any:
    try:
        results[name] = {"value": await act()}
    except Exception as error:
        results[name] = {"error": f"{type(error).__name__}: {error}"[:2000]}
    return results[name].get("value")


async def main() -> None:
    url, token = os.environ["URL_OF_SERVER"], os.environ["TOKEN"]
    async with CircleCIClient(token, f"{url}/api") as api:
        await people_and_projects(api)
        await pipelines(api)
        await jobs(api)
        await kept(api)
        await insights(api)
        await changes(api)
    print(json.dumps(results))


async def people_and_projects(api: CircleCIClient) -> None:
    me = await call("get_user_info", api.get_user_info)
    me = await call("get_user_info v2", lambda: api.get_user_info("v2")) or me
    await call("get_user_id_info", lambda: api.get_user_id_info(me["id"]))
    await call("get_user_collaborations", api.get_user_collaborations)
    await call("get_project", lambda: api.get_project(f"gh/{USER}/{REPO}"))
    await call("get_projects", api.get_projects)
    await call("follow_project", lambda: api.follow_project(USER, REPO))
    await call("get_project_settings", lambda: api.get_project_settings(USER, REPO))
    settings = {"feature_flags": {"autocancel-builds": True}}
    await call("update_project_settings", lambda: api.update_project_settings(USER, REPO, settings))


async def pipelines(api: CircleCIClient) -> None:
    await call("get_pipelines", lambda: api.get_pipelines(USER, mine=True, paginate=True))
    await call(
        "get_project_pipelines", lambda: api.get_project_pipelines(USER, REPO, paginate=True)
    )
    await call("get_project_pipeline", lambda: api.get_project_pipeline(USER, REPO, 1))
    await call("get_pipeline", lambda: api.get_pipeline(PIPELINE))
    await call("get_pipeline_config", lambda: api.get_pipeline_config(PIPELINE))
    await call("get_pipeline_workflow", lambda: api.get_pipeline_workflow(PIPELINE, paginate=True))
    await call("get_workflow", lambda: api.get_workflow(ENDED))
    await call("get_workflow_jobs", lambda: api.get_workflow_jobs(ENDED, paginate=True))


async def jobs(api: CircleCIClient) -> None:
    await call("get_job_details", lambda: api.get_job_details(USER, REPO, 1))
    await call("get_build_info", lambda: api.get_build_info(USER, REPO, 1))
    await call("get_project_build_summary", lambda: api.get_project_build_summary(USER, REPO))
    await call("get_recent_builds", api.get_recent_builds)
    found = await call("get_artifacts", lambda: api.get_artifacts(USER, REPO, 1)) or [{}]
    await call("get_latest_artifact", lambda: api.get_latest_artifact(USER, REPO, branch="main"))
    folder = os.environ["OUTPUT"]
    await call("download_artifact", lambda: api.download_artifact(found[0]["url"], folder, "a.txt"))
    await call("get_test_metadata", lambda: api.get_test_metadata(USER, REPO, 1))


async def kept(api: CircleCIClient) -> None:
    made = await call(
        "create_checkout_key", lambda: api.create_checkout_key(USER, REPO, "deploy-key")
    )
    key = (made or {}).get("fingerprint", "")
    await call("list_checkout_keys", lambda: api.list_checkout_keys(USER, REPO))
    await call("get_checkout_key", lambda: api.get_checkout_key(USER, REPO, key))
    await call("delete_checkout_key", lambda: api.delete_checkout_key(USER, REPO, key))
    await call("add_envvar", lambda: api.add_envvar(USER, REPO, "NAME", "a-long-value"))
    await call("list_envvars", lambda: api.list_envvars(USER, REPO))
    await call("get_envvar", lambda: api.get_envvar(USER, REPO, "NAME"))
    await call("delete_envvar", lambda: api.delete_envvar(USER, REPO, "NAME"))
    made = await call("add_context", lambda: api.add_context("of-the-async-client", username=USER))
    context = (made or {}).get("id", "")
    await call("get_contexts", lambda: api.get_contexts(username=USER, paginate=True))
    await call("get_context", lambda: api.get_context(context))
    await call("add_context_envvar", lambda: api.add_context_envvar(context, "NAME", "value"))
    await call("get_context_envvars", lambda: api.get_context_envvars(context))
    await call("delete_context_envvar", lambda: api.delete_context_envvar(context, "NAME"))
    await call("delete_context", lambda: api.delete_context(context))
    made = await call("add_schedule", lambda: api.add_schedule(USER, REPO, "nightly", SCHEDULE))
    schedule = (made or {}).get("id", "")
    await call("get_schedules", lambda: api.get_schedules(USER, REPO))
    await call("get_schedule", lambda: api.get_schedule(schedule))
    await call("update_schedule", lambda: api.update_schedule(schedule, {"name": "weekly"}))
    await call("delete_schedule", lambda: api.delete_schedule(schedule))


async def insights(api: CircleCIClient) -> None:
    await call("get_project_branches", lambda: api.get_project_branches(USER, REPO))
    await call(
        "get_project_workflows_metrics", lambda: api.get_project_workflows_metrics(USER, REPO)
    )
    for name in (
        "get_project_workflow_metrics",
        "get_project_workflow_test_metrics",
        "get_project_workflow_jobs_metrics",
    ):
        await call(name, lambda name=name: getattr(api, name)(USER, REPO, "main"))
    await call(
        "get_project_workflow_job_metrics",
        lambda: api.get_project_workflow_job_metrics(USER, REPO, "main", "build"),
    )


async def changes(api: CircleCIClient) -> None:
    await call("rerun_workflow", lambda: api.rerun_workflow(ENDED, from_failed=True))
    await call("retry_build", lambda: api.retry_build(USER, REPO, 1))
    await call("cancel_build", lambda: api.cancel_build(USER, REPO, 1))
    await call("cancel_job", lambda: api.cancel_job(USER, REPO, 1))
    waiting = await api.get_workflow_jobs(HELD)
    request = waiting[0]["approval_request_id"]
    await call("approve_job", lambda: api.approve_job(HELD, request))
    await call("cancel_workflow", lambda: api.cancel_workflow(HELD))
    await call("trigger_build", lambda: api.trigger_build(USER, REPO, branch="main"))
    await call("trigger_pipeline", lambda: api.trigger_pipeline(USER, REPO, branch="main"))
    key = os.environ["PRIVATE_KEY"]
    await call("add_ssh_key", lambda: api.add_ssh_key(USER, REPO, key, hostname="example.com"))
    await call("add_ssh_user", lambda: api.add_ssh_user(USER, REPO, 1))
    await call("continue_pipeline", lambda: api.continue_pipeline("no such key", "version: 2.1"))


asyncio.run(main())
