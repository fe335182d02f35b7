"""Problems of a config as people and programs read them."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from roundel import __version__

if TYPE_CHECKING:
    from roundel.compiler import Problem

FORMATS = ("text", "json", "sarif")


def show_problems(problems: "Sequence[Problem]", how: str, *, err: bool = True) -> None:
    """Write problems; `json` and `sarif` are one document, also where there are none."""
    match how:
        case "json":
            from roundel.compiler import problems_json

            document: object = {
                "valid": all(problem.severity != "error" for problem in problems),
                "problems": problems_json(problems),
            }
        case "sarif":
            from roundel.compiler import problems_sarif

            document = problems_sarif(problems, version=__version__)
        case _:
            from roundel.compiler import render_problem

            for problem in problems:
                click.echo(render_problem(problem), err=err)
            return
    click.echo(json.dumps(document, indent=2), err=err)
