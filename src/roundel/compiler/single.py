"""One job of a config, called alone with parameters of the caller's own."""

import json
from collections.abc import Mapping

from roundel.compiler.params import Parameter, fits, read_declarations, type_error, type_hint
from roundel.compiler.report import Hint, Report
from roundel.compiler.scalars import resolve
from roundel.compiler.source import load
from roundel.compiler.tree import Document, Map
from roundel.domain.plan import Json

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
    declared = _parameters(_jobs(text).get(job))
    if "/" not in job:
        _check(job, declared, arguments)
    values = {name: _written(declared.get(name), value) for name, value in arguments.items()}
    lines = [f"      - {json.dumps(job)}:"]
    # Whoever names a job wants it, also where a tag is pretended.
    lines += ["          filters: {tags: {only: /.*/}}"]
    lines += [f"          {json.dumps(name)}: {value}" for name, value in values.items()]
    below = f"workflows:\n  {WORKFLOW}:\n    jobs:\n" + "\n".join(lines) + "\n"
    return text.rstrip() + "\n\n" + below


def typed(text: str, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return pipeline parameters, typed as texts, as the types are that a config declares.

    A text that does not fit stays one, as does that of a parameter that is not declared: the
    compiler refuses them with their places.
    """
    declared = _parameters(load(Document("config.yml", text), Report()))
    return {
        name: _meant(declared.get(name), value) if isinstance(value, str) else value
        for name, value in given.items()
    }


def _check(job: str, declared: Mapping[str, Parameter], arguments: Mapping[str, str]) -> None:
    """Raise ValueError for an argument that the job does not take: its place would be no one's."""
    for name, value in arguments.items():
        parameter = declared.get(name)
        if parameter is None:
            there = f"it has {', '.join(declared)}" if declared else "it has none"
            raise ValueError(f"the job {job!r} has no parameter {name!r}: {there}")
        meant = _meant(parameter, value)
        if parameter.type not in _NOT_TYPED and not fits(parameter, meant):
            hint = type_hint(parameter, meant)
            said = hint.text() if isinstance(hint, Hint) else hint
            raise ValueError(f"{type_error(parameter, meant)}{f'; {said}' if said else ''}")


_NOT_TYPED = ("executor", "steps")  # what these may be, only the whole config tells


def _meant(parameter: Parameter | None, value: str) -> bool | int | float | str:
    """Return what was typed for a parameter: a text, unless its type is none."""
    if parameter is None or parameter.type not in ("boolean", "integer"):
        return value
    found = resolve(value)
    return value if found is None else found


def _written(parameter: Parameter | None, value: str) -> str:
    """Return a value as YAML: as it was typed where the type is no text."""
    as_typed = parameter is not None and parameter.type in ("boolean", "integer")
    return value if as_typed else json.dumps(value)


def _jobs(text: str) -> Map:
    root = load(Document("config.yml", text), Report())
    jobs = root.get("jobs") if isinstance(root, Map) else None
    return jobs if isinstance(jobs, Map) else Map()


def _parameters(body: object) -> dict[str, Parameter]:
    declared = body.get("parameters") if isinstance(body, Map) else None
    return read_declarations(declared) if isinstance(declared, Map) else {}
