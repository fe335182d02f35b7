"""Config text to plan.  Importing this room is cheap: its parts are loaded when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roundel.compiler.caching import CompileCache
    from roundel.compiler.emit import with_source
    from roundel.compiler.explaining import Explanation, Link, explain
    from roundel.compiler.orb_sources import (
        FolderOrbs,
        OrbChain,
        RepositoryOrbs,
        UrlOrbs,
        best_version,
    )
    from roundel.compiler.packing import Packed, pack_folder
    from roundel.compiler.passes import Compiled, Options, compile_config
    from roundel.compiler.rendering import error_lines, problems_json, problems_sarif
    from roundel.compiler.report import Problem, Severity, render_place, render_problem
    from roundel.compiler.resolved import (
        LockedOrb,
        NoOrbs,
        OrbRefused,
        OrbSource,
        ResolvedOrb,
    )
    from roundel.compiler.vendoring import Vendored, vendor_orbs

__all__ = [
    "CompileCache",
    "Compiled",
    "Explanation",
    "FolderOrbs",
    "Link",
    "LockedOrb",
    "NoOrbs",
    "Options",
    "OrbChain",
    "OrbRefused",
    "OrbSource",
    "Packed",
    "Problem",
    "RepositoryOrbs",
    "ResolvedOrb",
    "Severity",
    "UrlOrbs",
    "Vendored",
    "best_version",
    "compile_config",
    "error_lines",
    "explain",
    "pack_folder",
    "problems_json",
    "problems_sarif",
    "render_place",
    "render_problem",
    "vendor_orbs",
    "with_source",
]

_HOMES = {
    "CompileCache": "caching",
    "Compiled": "passes",
    "Explanation": "explaining",
    "FolderOrbs": "orb_sources",
    "Link": "explaining",
    "LockedOrb": "resolved",
    "NoOrbs": "resolved",
    "Options": "passes",
    "OrbChain": "orb_sources",
    "OrbRefused": "resolved",
    "OrbSource": "resolved",
    "Packed": "packing",
    "Problem": "report",
    "RepositoryOrbs": "orb_sources",
    "ResolvedOrb": "resolved",
    "Severity": "report",
    "UrlOrbs": "orb_sources",
    "Vendored": "vendoring",
    "best_version": "orb_sources",
    "compile_config": "passes",
    "error_lines": "rendering",
    "explain": "explaining",
    "pack_folder": "packing",
    "problems_json": "rendering",
    "problems_sarif": "rendering",
    "render_place": "report",
    "render_problem": "report",
    "vendor_orbs": "vendoring",
    "with_source": "emit",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
