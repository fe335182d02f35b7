"""Checks of where a job runs: one kind of machine, each of its settings said once."""

from __future__ import annotations

from roundel.compiler.executors import MACHINES
from roundel.compiler.step_check import Voice
from roundel.compiler.tree import Map, Spot

# Settings that the map of a machine may have instead of the job.
_EITHER = ("resource_class", "shell")


def check_machine(node: Map, voice: Voice, *, strict: bool) -> None:
    """Report two kinds of machines in one job, and settings given in two places.

    Version 2 took both, so they are only warned of where the check is not strict.
    """
    kinds = [kind for kind in MACHINES if node.get(kind) is not None]
    if len(kinds) > 1:
        said = ", ".join(f'"{kind}"' for kind in kinds)
        message = f'A job needs exactly one of "docker", "machine" and "macos", found: {said}'
        hint = "keep one; a job's own does not replace one of another kind from its executor"
        _tell(message, node.key_spot(kinds[1]), hint, voice, strict)
    machine = node.get("machine")
    if not isinstance(machine, Map):
        return
    for key in _EITHER:
        if machine.get(key) is not None and node.get(key) is not None:
            message = f"{key} is given both in the machine map and beside it"
            _tell(message, machine.key_spot(key), "keep one of the two", voice, strict)


def _tell(message: str, spot: Spot, hint: str, voice: Voice, strict: bool) -> None:
    if strict:
        voice.error("machine", message, spot, hint)
    else:
        voice.report.warning("machine", message, spot, hint=hint)
