"""How long jobs take: on processes and on containers."""

import itertools
import sys
from collections.abc import Callable

from tests.e2e.site import Site
from tests.engine import NoEngine, RunningEngine
from tests.images import DEBIAN, have

from bench import configs, figures, floors
from bench.site import first_line_seconds, pipeline_seconds, serving

Floor = Callable[[int, int], None]  # (how many, how many at once)


def measure_process() -> None:
    with serving("process") as site:
        measure(site, floors.run_processes)


def measure_docker() -> None:
    try:
        running = RunningEngine()
    except NoEngine as why:
        sys.stderr.write(f"docker: not measured, {why}\n")
        return
    try:
        engine = running.engine
        image = have(engine, DEBIAN)
        floor = floors.Engine(str(engine.socket), image)
        options = ["--image-map", f"cimg/*={image}"]
        with serving("docker", options, {"DOCKER_HOST": engine.url}) as site:
            measure(site, floor.run_containers)
    finally:
        running.stop()


def measure(site: Site, floor: Floor) -> None:
    """Print first line, one job, 20 in a row and 50 at two slots for one back end."""
    name, client = site.backend, site.client
    one = site.project(configs.ONE)

    def one_floor() -> None:
        floors.read_config(one.repository.path)
        floor(1, 1)

    # What is held back until a job ends would be seen in the second alone.
    for label, project in (("", one), (" of a job that goes on", site.project(configs.GOES_ON))):
        numbers = itertools.count(1)
        first_line_seconds(client, project.slug, next(numbers))  # loads what is lazy
        figures.cost(
            f"{name}: trigger to first line{label}",
            *figures.in_turns(
                10,
                lambda slug=project.slug, n=numbers: first_line_seconds(client, slug, next(n)),  # type: ignore[misc]
                lambda: figures.seconds(one_floor),
            ),
        )
    figures.cost(
        f"{name}: one job",
        *figures.in_turns(
            10, lambda: pipeline_seconds(client, one.slug), lambda: figures.seconds(one_floor)
        ),
    )
    for label, config, count, at_once in (
        ("20 sequential jobs", configs.chain(20), 20, 1),
        ("50 parallel jobs at 2 slots", configs.fan(50), 50, 2),
    ):
        project = site.project(config)
        pipeline_seconds(client, project.slug)
        figures.cost(
            f"{name}: {label}",
            *figures.in_turns(
                3,
                lambda slug=project.slug: pipeline_seconds(client, slug),  # type: ignore[misc]
                lambda c=count, a=at_once: figures.seconds(lambda: floor(c, a)),  # type: ignore[misc]
            ),
        )
