"""A small blocking API client of the tests' own, so that they share no code with the program."""

import base64
import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
ENDED = frozenset({"success", "failed", "error", "canceled", "unauthorized", "not_run"})
POLL_SECONDS = 0.02
DEADLINE_SECONDS = 60.0


class Answer:
    """A status, headers, and the body: as bytes, and as JSON on demand."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:2000]!r}"


class Client:
    """Speaks to one server over one kept connection; reconnects after a restart."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url, self.token = url, token
        where = urlsplit(url)
        assert where.hostname is not None
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        auth: Literal["header", "basic", "none"] = "header",
    ) -> Answer:
        """Send `body` as JSON, or `raw` as it is; `path` may be an absolute URL of this server."""
        sent = {"Accept": "application/json", **(headers or {})}
        if auth == "header" and self.token is not None:
            sent["Circle-Token"] = self.token
        if auth == "basic":
            sent["Authorization"] = "Basic " + base64.b64encode(f"{self.token}:".encode()).decode()
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        target = path.removeprefix(self.url)
        try:
            return self._send(method, target, data, sent)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The kept connection was closed while idle; a fresh one is tried once.
            self._connection.close()
            return self._send(method, target, data, sent)

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        self._connection.request(method, path, body=data, headers=headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def get(self, path: str) -> Any:
        answer = self.request("GET", path)
        assert answer.status == 200, f"GET {path}: {answer!r}"
        return answer.json()

    def items(self, path: str) -> Iterator[Any]:
        """All items of a list, page by page."""
        token: str | None = None
        while True:
            page = self.get(f"{path}?page-token={token}" if token else path)
            yield from page["items"]
            token = page["next_page_token"]
            if token is None:
                return

    def trigger(self, slug: str, **body: Any) -> Any:
        answer = self.request("POST", f"/api/v2/project/{slug}/pipeline", body=body)
        assert answer.status == 201, f"trigger {slug}: {answer!r}"
        return answer.json()

    def pipeline(self, pipeline_id: str) -> Any:
        return self.get(f"/api/v2/pipeline/{pipeline_id}")

    def compiled(self, pipeline_id: str) -> Any:
        """The pipeline once it is no longer pending."""
        return until(
            lambda: self.pipeline(pipeline_id),
            lambda pipeline: pipeline["state"] not in {"pending", "setup-pending"},
        )

    def workflows(self, pipeline_id: str) -> dict[str, Any]:
        """A pipeline's workflows by name."""
        return {w["name"]: w for w in self.items(f"/api/v2/pipeline/{pipeline_id}/workflow")}

    def jobs(self, workflow_id: str) -> dict[str, Any]:
        """A workflow's jobs by name."""
        return {j["name"]: j for j in self.items(f"/api/v2/workflow/{workflow_id}/job")}

    def finished(self, pipeline_id: str, *, within: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """The pipeline's workflows by name, once it compiled and all of them have ended."""
        pipeline = self.compiled(pipeline_id)
        assert pipeline["state"] == "created", pipeline["errors"]
        return until(
            lambda: self.workflows(pipeline_id),
            lambda workflows: all(w["status"] in ENDED for w in workflows.values()),
            within=within,
        )

    def build(self, slug: str, number: int) -> Any:
        """A job as API v1.1 shows it, with its steps."""
        return self.get(f"/api/v1.1/project/{slug}/{number}")

    def output(self, slug: str, number: int) -> dict[str, str]:
        """A job's output by step name; the nodes of a parallel step one after another."""
        outputs: dict[str, str] = {}
        for step in self.build(slug, number)["steps"]:
            for action in step["actions"]:
                outputs.setdefault(step["name"], "")
                if action.get("output_url"):
                    lines = self.get(action["output_url"])
                    outputs[step["name"]] += "".join(line["message"] for line in lines)
        return outputs


def until(
    look: Callable[[], T], good: Callable[[T], bool], *, within: float = DEADLINE_SECONDS
) -> T:
    """Look again and again until what is seen is good.

    The API has no call that waits, so this is the one place where the tests pause.
    """
    deadline = time.monotonic() + within
    while not good(seen := look()):
        assert time.monotonic() < deadline, f"still not so after {within:g} s: {seen!r}"
        time.sleep(POLL_SECONDS)
    return seen
