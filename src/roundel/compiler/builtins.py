"""The built-in steps: their names and what CircleCI calls them when they run."""

from __future__ import annotations

from collections.abc import Mapping

# Step -> what the pages show if it has no `name`.
SHOWN_NAMES: dict[str, str] = {
    "checkout": "Checkout code",
    "setup_remote_docker": "Setup a remote Docker engine",
    "save_cache": "Saving cache",
    "restore_cache": "Restoring cache",
    "store_artifacts": "Uploading artifacts",
    "store_test_results": "Uploading test results",
    "persist_to_workspace": "Persisting to workspace",
    "attach_workspace": "Attaching workspace",
    "add_ssh_keys": "Installing additional ssh keys",
    "install_signing_bundle": "Install signing bundle",
    "with_tool_cache": "Tool cache",
}

# Steps that run a command; they are shown by its first line.
COMMAND_STEPS = frozenset({"run", "deploy"})

BUILTIN_STEPS = (*COMMAND_STEPS, *SHOWN_NAMES)

# `save-cache` and the like: never documented, accepted since the first days of version 2.
DASHED_STEPS: Mapping[str, str] = {
    name.replace("_", "-"): name for name in BUILTIN_STEPS if "_" in name
}

BUILTIN_KEYS: Mapping[str, frozenset[str]] = {
    "run": frozenset(
        {
            "command",
            "name",
            "shell",
            "environment",
            "background",
            "working_directory",
            "no_output_timeout",
            "when",
            "max_auto_reruns",
            "auto_rerun_delay",
        }
    ),
    "checkout": frozenset({"path", "method", "depth", "name"}),
    "setup_remote_docker": frozenset(
        {"version", "docker_layer_caching", "prefer_same_region", "name"}
    ),
    "save_cache": frozenset({"paths", "key", "name", "when"}),
    "restore_cache": frozenset({"key", "keys", "name"}),
    "store_artifacts": frozenset({"path", "destination", "name", "when"}),
    "store_test_results": frozenset({"path", "name", "when"}),
    "persist_to_workspace": frozenset({"root", "paths", "name"}),
    "attach_workspace": frozenset({"at", "name"}),
    "add_ssh_keys": frozenset({"fingerprints", "name"}),
}

REQUIRED_KEYS: Mapping[str, frozenset[str]] = {
    "run": frozenset({"command"}),
    "save_cache": frozenset({"paths", "key"}),
    "store_artifacts": frozenset({"path"}),
    "store_test_results": frozenset({"path"}),
    "persist_to_workspace": frozenset({"root", "paths"}),
    "attach_workspace": frozenset({"at"}),
}

# Keys of steps whose value is one text; numbers given for them are read as text.
TEXT_KEYS = frozenset(
    {
        "at",
        "command",
        "destination",
        "key",
        "name",
        "no_output_timeout",
        "path",
        "root",
        "version",
        "working_directory",
    }
)

# May stand alone, without a map.
BARE_STEPS = frozenset(
    {"checkout", "setup_remote_docker", "add_ssh_keys", "install_signing_bundle", "with_tool_cache"}
)


def step_name(kind: str, args: Mapping[str, object]) -> str:
    """Return the text that CircleCI shows for a step."""
    given = args.get("name")
    if isinstance(given, str) and given:
        return given
    if kind in COMMAND_STEPS:
        command = args.get("command")
        lines = command.strip().splitlines() if isinstance(command, str) else []
        return lines[0] if lines else kind
    return SHOWN_NAMES.get(kind, kind)
