"""`python -m bench [GROUP …]`: measure all groups, or those named."""

import sys

from bench.archives import measure_archives
from bench.compiling import measure_compiling
from bench.idle import measure_idle
from bench.jobs import measure_docker, measure_process
from bench.lists import measure_lists
from bench.local import measure_local
from bench.million import measure_million
from bench.orchestration import measure_orchestration
from bench.pages import measure_pages
from bench.pushes import measure_pushes
from bench.runners import measure_runners
from bench.steps import measure_steps

GROUPS = {
    "process": measure_process,
    "docker": measure_docker,
    "local": measure_local,
    "pushes": measure_pushes,
    "steps": measure_steps,
    "archives": measure_archives,
    "compile": measure_compiling,
    "lists": measure_lists,
    "idle": measure_idle,
    "orchestration": measure_orchestration,
    "runners": measure_runners,
    "pages": measure_pages,
    "million": measure_million,
}


def main() -> None:
    wanted = sys.argv[1:] or list(GROUPS)
    unknown = [name for name in wanted if name not in GROUPS]
    if unknown:
        sys.exit(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    for name in wanted:
        GROUPS[name]()


if __name__ == "__main__":
    main()
