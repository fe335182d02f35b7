"""How long a push takes until its job's first line can be read: git, hook, server and job."""

import itertools
import subprocess
import time

from tests.e2e.repository import Repository
from tests.e2e.site import Site

from bench import configs, figures, floors
from bench.site import GIVE_UP_SECONDS, POLL_SECONDS, first_output, serving

FILES = 50


def measure_pushes() -> None:
    """Print the time from `git push` of 50 changed files to the first line, over its floor."""
    with serving("process") as site:
        copy, slug = _pushed(site)
        numbers = itertools.count(1)
        _first_line(site, copy, slug, next(numbers))  # the first run loads what is lazy
        figures.cost(
            f"process: push of {FILES} files to first line",
            *figures.in_turns(
                10,
                lambda: _first_line(site, copy, slug, next(numbers)),
                lambda: _floor(site, copy),
            ),
        )


def _pushed(site: Site) -> tuple[Repository, str]:
    """Make a bare repository with our hook, another without, and a copy that has both."""
    copy = Repository(site.folder / "copy", configs.ONE)
    for name in ("hooked", "plain"):
        bare = site.folder / f"{name}.git"
        copy.git("clone", "--quiet", "--bare", str(copy.path), str(bare))
        copy.git("remote", "add", name, str(bare))
    slug = "gh/acme/pushed"
    done = site.command("hook", "install", str(site.folder / "hooked.git"), "--project", slug)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, "hook install", stderr=done.stderr)
    return copy, slug


def _change(copy: Repository) -> None:
    stamp = time.time_ns()
    for number in range(FILES):
        (copy.path / f"file-{number}").write_text(f"{stamp} {number}\n")
    copy.commit(f"Change {stamp}")


def _first_line(site: Site, copy: Repository, slug: str, number: int) -> float:
    _change(copy)
    began = time.perf_counter()
    copy.git("push", "--quiet", "hooked", "main")
    deadline = began + GIVE_UP_SECONDS
    while "hi" not in first_output(site.client, slug, number):
        if time.perf_counter() > deadline:
            raise TimeoutError("no output")
        time.sleep(POLL_SECONDS)
    took = time.perf_counter() - began
    (newest, *_) = site.client.items(f"/api/v2/project/{slug}/pipeline")
    site.client.finished(newest["id"])
    return took


def _floor(site: Site, copy: Repository) -> float:
    """The same push to a repository without a hook, the config read, and one shell."""
    _change(copy)

    def act() -> None:
        copy.git("push", "--quiet", "plain", "main")
        floors.read_config(site.folder / "plain.git")
        floors.run_processes(1, 1)

    return figures.seconds(act)
