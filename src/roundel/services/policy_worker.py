"""The policy worker: one question on standard input, one answer on standard output, then the end.

Policies are programs that somebody else wrote.  Whatever they do, they do here: with little memory
and time, and with nothing of the server's environment to look at.
"""

import os
import re
import resource
import signal
import sys
import threading
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from roundel.domain.plan import Json

if TYPE_CHECKING:
    from regopy import Interpreter

MEMORY_BYTES = 512 * 1024**2  # resident; policies need about 40 MB
WATCH_SECONDS = 0.02
ALARM_SECONDS = 30  # a worker whose server is gone must not compute for ever
NO_INTERPRETER = (
    "Config policies need the Rego interpreter: install it with `pip install 'roundel[policies]'`"
)

_STATM = Path("/proc/self/statm")
_HELPERS = ("utils", "config")
_PACKAGE = re.compile(r"^\s*package\s+([^\s#;]+)", re.MULTILINE)
_LOUD = re.compile(r"\(errormsg \d+:([^)]*)\)")


class Question(msgspec.Struct):
    """Policies by file name; without an input they are only checked."""

    policies: dict[str, str]
    input: str | None = None
    compiled: str = ""
    meta: dict[str, Json] = {}


class Broken(msgspec.Struct):
    """A rule that the config breaks."""

    rule: str
    reason: str


class Answer(msgspec.Struct):
    """Names of the policies by file, or what the rules say; `error` says why neither is there."""

    names: dict[str, str] = {}
    enabled: list[str] = []
    hard: list[Broken] = []
    soft: list[Broken] = []
    error: str | None = None


class _Wrong(Exception):
    """A policy is not as it must be; `str()` says which and why."""


def main() -> None:
    """Answer the question on standard input."""
    # The interpreter's allocator reserves 256 GiB of addresses, so a limit on those would end it.
    threading.Thread(target=_watch_memory, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(ALARM_SECONDS)
    # The interpreter writes to standard output what it finds wrong; the answer goes another way.
    with os.fdopen(os.dup(1), "wb") as sink:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
        sink.write(msgspec.json.encode(answer(question)))


def _watch_memory() -> None:
    """End the process when it has become too large."""
    while _resident_bytes() < MEMORY_BYTES:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _resident_bytes() -> int:
    """Return what the process has in memory: now, or at most so far where /proc is not there.

    On Linux the largest so far is no measure: a new process begins with that of the server which
    started it.
    """
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def answer(question: Question) -> Answer:
    """Return what the policies say, or the first thing that is wrong with them."""
    try:
        if question.input is None:
            return Answer(names=_names(question.policies))
        return _judge(question)
    except ImportError:
        return Answer(error=NO_INTERPRETER)
    except _Wrong as wrong:
        return Answer(error=str(wrong))


def _names(policies: dict[str, str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for file, text in policies.items():
        package = _PACKAGE.search(text)
        if package is None or package[1] != "org":
            found = "none" if package is None else repr(package[1])
            raise _Wrong(f"{file}: the package must be org, it is {found}")
        given = _texts(_query({file: text}, {}, {}).get("policy_name"))
        if len(given) != 1:
            raise _Wrong(f'{file}: it must have one policy_name["…"], it has {len(given)}')
        if given[0] in names.values():
            raise _Wrong(f"{file}: the policy {given[0]!r} is there twice")
        names[file] = given[0]
    _query(policies, {}, {})  # together they must be a program as well
    return names


def _judge(question: Question) -> Answer:
    config = _plain("input", question.input or "")
    if isinstance(config, dict) and question.compiled:
        config = {**config, "_compiled_": _plain("compiled config", question.compiled)}
    found = _query(question.policies, config, question.meta)
    strict = {*_texts(found.get("hard_fail")), *_texts(found.get("enable_hard"))}
    enabled = sorted({*_texts(found.get("enable_rule")), *_texts(found.get("enable_hard"))})
    said = Answer(enabled=enabled)
    for rule in enabled:
        broken = [Broken(rule, reason) for reason in sorted(_reasons(rule, found.get(rule)))]
        (said.hard if rule in strict else said.soft).extend(broken)
    return said


def _plain(what: str, text: str) -> Json:
    """Return a config as data, read as the compiler reads it."""
    from roundel.compiler.report import Report
    from roundel.compiler.source import load
    from roundel.compiler.tree import Document, plain

    report = Report()
    tree = load(Document(what, text), report)
    if report.errors:
        raise _Wrong(f"{what}: it is no YAML that Roundel can read")
    return plain(tree)


def _query(policies: dict[str, str], config: Json, meta: dict[str, Json]) -> dict[str, Any]:
    """Return what package org says."""
    from regopy import Interpreter

    rego = Interpreter()
    folder = resources.files("roundel.services") / "rego"
    for name in _HELPERS:
        _add(rego, f"circleci/{name}.rego", (folder / f"{name}.rego").read_text())
    for file, text in policies.items():
        _add(rego, file, text)
    rego.add_data({"meta": meta})
    rego.set_input(config)
    output = rego.query("said = data.org")
    if not output.ok():
        raise _Wrong(_message(str(output)) or "the policies cannot be evaluated together")
    results = msgspec.json.decode(str(output)) if policies else {}
    said = results.get("bindings", {}).get("said")
    return said if isinstance(said, dict) else {}


def _add(rego: "Interpreter", file: str, text: str) -> None:
    from regopy import RegoError

    try:
        rego.add_module(file, text)
    except RegoError as error:
        raise _Wrong(f"{file}: {_message(str(error)) or 'it is not valid Rego'}") from error


def _message(raw: str) -> str:
    """Return the messages in what the interpreter says about errors."""
    return "; ".join(dict.fromkeys(_LOUD.findall(raw)))


def _texts(value: Any) -> list[str]:
    """Return the names in a rule that is a text, a set, a list, or a map of those that hold."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return sorted(key for key, holds in value.items() if holds is not False)
    return [it for it in value if isinstance(it, str)] if isinstance(value, list) else []


def _reasons(rule: str, value: Any) -> list[str]:
    """Return why a rule is broken: its text, those in its list or set, or those of its map."""
    if value is None or value is False:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(it, str) for it in value):
        return value
    if isinstance(value, dict) and all(isinstance(it, str) or it is True for it in value.values()):
        # A set written in the older way arrives as a map to true.
        return [key if reason is True else reason for key, reason in value.items()]
    raise _Wrong(f"the rule {rule!r} must give a text, a list or set of texts, or a map to texts")
