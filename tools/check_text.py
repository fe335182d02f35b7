"""check_text.py yaml|markdown FILE …: what the pre-commit hooks look at in text files."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")


def yaml_problems(file: Path) -> Iterator[str]:
    try:
        for _ in yaml.parse(file.read_text()):
            pass
    except yaml.YAMLError as error:
        yield f"{file}: {error}"


def markdown_problems(file: Path) -> Iterator[str]:
    fenced = False
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if fenced:
            continue
        for target in LINK.findall(line):
            if not (file.parent / target).exists():
                yield f"{file}:{number}: there is no {target}"


CHECKS: dict[str, Callable[[Path], Iterator[str]]] = {
    "yaml": yaml_problems,
    "markdown": markdown_problems,
}


def main() -> int:
    kind, *files = sys.argv[1:]
    problems = [problem for file in files for problem in CHECKS[kind](Path(file))]
    for problem in problems:
        print(problem, file=sys.stderr)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
