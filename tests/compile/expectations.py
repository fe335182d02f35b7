"""How expectations name a part of a compiled config: `jobs.Docker Publish.steps[4].run.command`."""

import re
from typing import Any


def value_at(node: Any, path: str) -> Any:
    """Return the part that a path means; job names in it may have dots."""
    while path:
        if isinstance(node, list):
            found = re.match(r"\[(\d+)\]\.?", path)
            assert found, f"no index at {path!r}"
            node, path = node[int(found.group(1))], path[found.end() :]
            continue
        key = max((k for k in node if _begins(path, str(k))), key=len, default=None)
        assert key is not None, f"nothing at {path!r} in {list(node)}"
        node, path = node[key], path[len(str(key)) :].removeprefix(".")
    return node


def _begins(path: str, key: str) -> bool:
    return path == key or path.startswith((f"{key}.", f"{key}["))


def entry_name(entry: Any) -> str:
    """Return the job of an entry of a workflow's jobs."""
    return entry if isinstance(entry, str) else next(iter(entry))
