"""Renaming the parameters of a config's commands, where they are declared, used and passed."""

import re
from typing import Any

SUFFIX = "_renamed"
_TAG = re.compile(r"(?<!\\)<<(?:(?!>>).)*>>", re.DOTALL)  # none that is escaped


def parameters_of_commands(config: dict[str, Any]) -> dict[str, list[str]]:
    """Return the parameters of each command, but of none that is named like a job."""
    commands = config.get("commands")
    jobs = config.get("jobs")
    if not isinstance(commands, dict):
        return {}
    return {
        name: list(body["parameters"])
        for name, body in commands.items()
        if isinstance(body, dict)
        and isinstance(body.get("parameters"), dict)
        and not (isinstance(jobs, dict) and name in jobs)
    }


def renamed(config: dict[str, Any], commands: dict[str, list[str]]) -> dict[str, Any]:
    """Return a config in which all of these parameters have other names."""
    made: dict[str, Any] = _calls(config, commands)
    for name, parameters in commands.items():
        made["commands"][name] = _inside(made["commands"][name], parameters)
    return made


def _calls(node: Any, commands: dict[str, list[str]]) -> Any:
    """Rename the arguments of all calls: items of lists that are maps of one key."""
    if isinstance(node, dict):
        return {key: _calls(value, commands) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    return [_call(_calls(item, commands), commands) for item in node]


def _call(item: Any, commands: dict[str, list[str]]) -> Any:
    if not isinstance(item, dict) or len(item) != 1:
        return item
    ((name, arguments),) = item.items()
    known = commands.get(name, [])
    if not isinstance(arguments, dict):
        return item
    return {name: {k + SUFFIX if k in known else k: v for k, v in arguments.items()}}


def _inside(body: dict[str, Any], parameters: list[str]) -> dict[str, Any]:
    """Rename the parameters where they are declared, and in all templates of the body."""
    declared = {name + SUFFIX: value for name, value in body["parameters"].items()}
    names = "|".join(re.escape(name) for name in sorted(parameters, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w.-])(parameters\.)({names})(?![\w-])")
    filled: dict[str, Any] = _texts(body, pattern)
    return {**filled, "parameters": declared}


def _texts(node: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(node, dict):
        return {_texts(k, pattern): _texts(v, pattern) for k, v in node.items()}
    if isinstance(node, list):
        return [_texts(item, pattern) for item in node]
    if not isinstance(node, str):
        return node
    return _TAG.sub(lambda tag: pattern.sub(rf"\1\2{SUFFIX}", tag.group()), node)
