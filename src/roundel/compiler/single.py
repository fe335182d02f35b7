"""One job of a config, called alone with parameters of the caller's own."""

import json
from collections.abc import Mapping

from roundel.compiler.report import Report
from roundel.compiler.source import load
from roundel.compiler.tree import Document, Map

WORKFLOW = "roundel-run"


def declared_jobs(text: str) -> tuple[str, ...] | None:
    """Return the names of the jobs that a config declares; None if the text cannot be read."""
    root = load(Document("config.yml", text), Report())
    if not isinstance(root, Map):
        return None
    jobs = root.get("jobs")
    return tuple(jobs) if isinstance(jobs, Map) else ()


def calling_one_job(text: str, job: str, arguments: Mapping[str, str]) -> str:
    """Return the config with one workflow, which calls one job with these arguments.

    It is written below the text, where it stands for the workflows above, so that every place in
    the text stays as it is.  Arguments are texts as typed; the declared type decides what they
    become.  Raise ValueError for a text to which nothing can be added: one in flow style.
    """
    if text.lstrip().startswith("{"):
        raise ValueError("a config in flow style, all in { }, has no place for another workflow")
    types = _parameter_types(text, job)
    values = {name: _written(value, types.get(name, "")) for name, value in arguments.items()}
    lines = [f"      - {json.dumps(job)}:" if values else f"      - {json.dumps(job)}"]
    lines += [f"          {json.dumps(name)}: {value}" for name, value in values.items()]
    below = f"workflows:\n  {WORKFLOW}:\n    jobs:\n" + "\n".join(lines) + "\n"
    return text.rstrip() + "\n\n" + below


def _written(value: str, type_: str) -> str:
    """Return a value as YAML: as it was typed where the type is no text."""
    return value if type_ in {"boolean", "integer"} else json.dumps(value)


def _jobs(text: str) -> Map:
    root = load(Document("config.yml", text), Report())
    jobs = root.get("jobs") if isinstance(root, Map) else None
    return jobs if isinstance(jobs, Map) else Map()


def _parameter_types(text: str, job: str) -> dict[str, str]:
    body = _jobs(text).get(job)
    declared = body.get("parameters") if isinstance(body, Map) else None
    if not isinstance(declared, Map):
        return {}
    return {
        name: str(what.get("type", "")) for name, what in declared.items() if isinstance(what, Map)
    }
