"""Follow a pipeline through the API and show its jobs' output as it comes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from roundel.cli.palette import SET_UP
from roundel.domain.records import dataclass
from roundel.wire.api_client import ApiClient

POLL_SECONDS = 0.1  # a person does not see the difference to less
ENDED = frozenset({"success", "failed", "error", "canceled", "unauthorized", "not_run"})
JOB_ENDED = ENDED | {"infrastructure_fail", "timedout", "terminated-unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a job, or the name of a step that begins (`heading`)."""

    job: str
    text: str
    heading: bool = False


@dataclass(slots=True)
class Seen:
    """How far one action's output has been shown."""

    announced: bool = False
    shown: int = 0


@dataclass(slots=True)
class Follower:
    """Reads one pipeline again and again; `show` gets every line once, in order within a job."""

    api: ApiClient
    slug: str
    pipeline_id: str
    show: Callable[[Line], None]
    done: set[int] = field(default_factory=set)
    seen: dict[tuple[int, int, int], Seen] = field(default_factory=dict)

    def to_the_end(self) -> dict[str, Any]:
        """Return the pipeline once it is errored or all its workflows have ended."""
        while True:
            pipeline: dict[str, Any] = self.api.get(f"/api/v2/pipeline/{self.pipeline_id}")
            if pipeline["state"] == "errored":
                return pipeline
            workflows = workflows_of(self.api, self.pipeline_id)
            for workflow in workflows:
                self._show_jobs(workflow["id"])
            if pipeline["state"] == "created" and ENDED.issuperset(w["status"] for w in workflows):
                return pipeline
            time.sleep(POLL_SECONDS)

    def _show_jobs(self, workflow_id: str) -> None:
        for job in jobs_of(self.api, workflow_id):
            number = job.get("job_number")
            if number is None or number in self.done or job["type"] == "approval":
                continue
            if job["status"] in {"blocked", "queued", "not_running"}:
                continue
            self._show_steps(job["name"], number, final=job["status"] in JOB_ENDED)
            if job["status"] in JOB_ENDED:
                self.done.add(number)

    def _show_steps(self, name: str, number: int, *, final: bool) -> None:
        build = self.api.get(f"/api/v1.1/project/{self.slug}/{number}")
        for step, action in actions_of(build):
            if step["name"] in SET_UP and action["status"] in {"running", "success"}:
                continue
            node = action["index"]
            label = f"{name}[{node}]" if build.get("parallel", 1) > 1 else name
            seen = self.seen.setdefault((number, node, action["step"]), Seen())
            if not seen.announced:
                seen.announced = True
                self.show(Line(job=label, text=step["name"], heading=True))
            if action.get("output_url"):
                ended = final or action["status"] != "running"
                self._show_output(label, action["output_url"], seen, ended=ended)

    def _show_output(self, label: str, url: str, seen: Seen, *, ended: bool) -> None:
        """Show what is new; of a step that still runs only whole lines."""
        address = urlsplit(url)
        parts = self.api.get(f"{address.path}?{address.query}")
        text = "".join(part["message"] for part in parts)
        new = text[seen.shown :]
        if not ended:
            new = new[: new.rfind("\n") + 1]
        seen.shown += len(new)
        for line in new.splitlines():
            self.show(Line(job=label, text=line))


def actions_of(build: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every step with every node's part in it."""
    for step in build["steps"]:
        for action in step["actions"]:
            yield step, action


def workflows_of(api: ApiClient, pipeline_id: str) -> list[dict[str, Any]]:
    return list(items(api, f"/api/v2/pipeline/{pipeline_id}/workflow"))


def jobs_of(api: ApiClient, workflow_id: str) -> list[dict[str, Any]]:
    return list(items(api, f"/api/v2/workflow/{workflow_id}/job"))


def items(api: ApiClient, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    page = api.get(path)
    while True:
        yield from page["items"]
        if page["next_page_token"] is None:
            return
        page = api.get(f"{path}?page-token={page['next_page_token']}")
