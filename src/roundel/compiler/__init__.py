"""Config text to plan.  Importing this room is cheap: its parts are loaded when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roundel.compiler.orbs import (
        LockedOrb,
        NoOrbs,
        OrbRefused,
        OrbSource,
        ResolvedOrb,
    )
    from roundel.compiler.passes import Compiled, Options, compile_config
    from roundel.compiler.report import Problem, Severity, render_problem

__all__ = [
    "Compiled",
    "LockedOrb",
    "NoOrbs",
    "Options",
    "OrbRefused",
    "OrbSource",
    "Problem",
    "ResolvedOrb",
    "Severity",
    "compile_config",
    "render_problem",
]

_HOMES = {
    "Compiled": "passes",
    "LockedOrb": "orbs",
    "NoOrbs": "orbs",
    "Options": "passes",
    "OrbRefused": "orbs",
    "OrbSource": "orbs",
    "Problem": "report",
    "ResolvedOrb": "orbs",
    "Severity": "report",
    "compile_config": "passes",
    "render_problem": "report",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
