"""Schedules by the real clock: the shortest wait that they allow is a minute."""

from datetime import UTC, datetime

import pytest

from tests.e2e.client import until
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 2.1
jobs:
  build:
    docker: [{image: "cimg/base:current"}]
    steps: [{run: echo built}]
workflows:
  push: {jobs: [build]}
  every-minute:
    triggers: [{schedule: {cron: "* * * * *", filters: {branches: {only: main}}}}]
    jobs: [build]
"""


def test_schedules_of_configs_and_of_the_api_run_within_a_minute(process_site: Site) -> None:
    client = process_site.client
    project = process_site.project(CONFIG)
    client.finished(client.trigger(project.slug, branch="main")["id"])
    days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
    hour = datetime.now(UTC).hour
    made = client.request(
        "POST",
        f"/api/v2/project/{project.slug}/schedule",
        body={
            "name": "often",
            "attribution-actor": "system",
            "timetable": {
                "per-hour": 60,
                "hours-of-day": [hour, (hour + 1) % 24],
                "days-of-week": days,
            },
            "parameters": {"branch": "main"},
        },
    )
    assert made.status == 201, made

    def scheduled() -> set[str]:
        found = set()
        for pipeline in client.items(f"/api/v2/project/{project.slug}/pipeline"):
            if pipeline["trigger"]["type"] == "scheduled_pipeline":
                found |= client.workflows(pipeline["id"]).keys()
        return found

    until(scheduled, lambda names: names == {"push", "every-minute"}, within=90)
    assert client.request("DELETE", f"/api/v2/schedule/{made.json()['id']}").status == 200
    project.repository.write_config(CONFIG.split("  every-minute:")[0])
    project.repository.commit("No schedule")
    client.finished(client.trigger(project.slug, branch="main")["id"])
