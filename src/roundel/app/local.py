"""`roundel run`: the engine, the runner and a back end in one process, for one pipeline.

Nothing here decides what a config means or how a job runs: that is the server's own code.  What
is different is where things come from (the working tree, the command line) and who hears of them.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from roundel.app.engine import Adapters, Engine
from roundel.app.local_events import Audience, Note, Planned, Summary
from roundel.app.local_pipeline import create, last_ran, mark_of
from roundel.app.local_plan import PlanChange, config_text, pretended_values
from roundel.app.local_session import Session
from roundel.app.local_signals import interruptible, until_signalled, whole
from roundel.app.local_trouble import told
from roundel.app.local_wanted import (
    MOST_AT_ONCE,
    CannotRunHere,
    ConfigErrors,
    Wanted,
    state_folder,
    state_name,
)
from roundel.compiler.single import typed
from roundel.domain.access import Actor
from roundel.domain.pipelines import Commit, Ref
from roundel.domain.plan import Json
from roundel.domain.projects import Project, Slug, Vcs
from roundel.services.compiling_here import CompilerHere
from roundel.services.orbs import OrbShelf
from roundel.services.projects import AddProject, add_project
from roundel.services.tokens import ADMINISTRATOR
from roundel.services.work import Tx
from roundel.settings import Settings
from roundel.store.folder import FolderInUse
from roundel.vault.env import pull_request_page
from roundel.vcs.bare import CONFIG_FILE
from roundel.vcs.working_tree import (
    Checkout,
    WorkingTree,
    find_checkout,
    may_name_ref,
    read_committed,
    take_snapshot,
)

__all__ = ["CannotRunHere", "ConfigErrors", "Wanted", "run_here", "state_folder"]


def run_here(wanted: Wanted, audience: Audience) -> Summary:
    """Run to the end, or until SIGINT, SIGTERM or SIGHUP; nothing that runs is left behind."""
    checkout = find_checkout(wanted.folder)
    with (
        told(state_folder(wanted.cache, checkout.root)),
        interruptible(),
        asyncio.Runner() as runner,
    ):
        return runner.run(until_signalled(_run(wanted, checkout, audience)))


async def _run(wanted: Wanted, checkout: Checkout, audience: Audience) -> Summary:
    ref = _ref(wanted, checkout, audience)
    source = _config(wanted, checkout)
    if wanted.parameters:
        wanted = replace(wanted, parameters=typed(source[0], wanted.parameters))
    if wanted.dry:
        return await _plan(wanted, checkout, source, ref, audience)
    async with (
        _engine(wanted, checkout, source, ref, audience) as (engine, change, project, by, own),
        Session(
            engine, wanted, audience, checkout.root, own, told=_variables(wanted, checkout)
        ) as session,
    ):
        return await session.pipeline(project, ref, by, change)


async def _plan(
    wanted: Wanted, checkout: Checkout, source: tuple[str, str], ref: Ref, audience: Audience
) -> Summary:
    """Compile, and tell what would run."""
    async with _engine(wanted, checkout, source, ref, audience) as (engine, change, project, by, _):
        await create(engine, project, ref, by, wanted)
        mark_of(engine).unlink()
    if change.refusal is not None:
        raise change.refusal
    if change.chosen is not None:
        audience.hear(Planned(plan=change.chosen))
    return Summary(succeeded=True, jobs=(), workflows=())


def _ref(wanted: Wanted, checkout: Checkout, audience: Audience) -> Ref:
    """Return what the run is for; say so where neither command line nor checkout tell a branch."""
    for option, name in (("--branch", wanted.branch), ("--tag", wanted.tag)):
        if name is not None and not may_name_ref(name):
            raise CannotRunHere(f"{option} {name!r}: git allows no such name")
    if wanted.tag is not None:
        return Ref(tag=wanted.tag)
    branch = wanted.branch or checkout.branch
    if branch is None:
        branch = _default_branch(checkout)
        text = f"HEAD is detached, so the run pretends to be on {branch}; --branch names another"
        audience.hear(Note(text=text, warning=True))
    return Ref(branch=branch)


@contextlib.asynccontextmanager
async def _engine(
    wanted: Wanted, checkout: Checkout, source: tuple[str, str], ref: Ref, audience: Audience
) -> AsyncIterator[tuple[Engine, PlanChange, Project, Actor, Commit]]:
    """Open the checkout's state and take its snapshot; close it again."""
    text, file = source
    text = config_text(wanted, text)
    change = PlanChange(wanted, checkout.root, audience)
    engine = _open(wanted, checkout, change)
    try:
        snapshot = take_snapshot(
            checkout,
            engine.folder.path,
            ref,
            clean=wanted.clean,
            ignored=wanted.ignored,
        )
        if snapshot.warnings:
            audience.hear(Note(text=f"git: {snapshot.warnings}", warning=True))
        engine.repositories = WorkingTree(snapshot, text, file, engine.folder.repositories)
        if wanted.orbs is not None:
            engine.orbs = OrbShelf(wanted.orbs, engine.web, engine.clock)
        await engine.start()
        by = await _person(engine)
        project = await add_project(
            AddProject(
                slug=_slug(checkout),
                repository_url=str(snapshot.repository),
                default_branch=_default_branch(checkout),
                by=by,
            ),
            engine,
        )
        yield engine, change, project, by, snapshot.commit
    finally:
        await whole(engine.stop())


def _open(wanted: Wanted, checkout: Checkout, change: PlanChange) -> Engine:
    """Open the first state of the checkout that no other run uses now."""
    base = state_folder(wanted.cache, checkout.root)
    adapters = Adapters(compiler=CompilerHere(_values(wanted, checkout), change))
    for number in _numbers(wanted, base):
        folder = base / state_name(number)
        settings = Settings(
            data=folder,
            slots=wanted.slots,
            backend=wanted.backend,
            identity_tokens=False,
            durable=False,  # a run that the machine's end has cut off is run again
        )
        try:
            return Engine(settings, adapters)
        except FolderInUse:
            continue
    raise CannotRunHere(f"{MOST_AT_ONCE} runs of this checkout are under way; wait for one to end")


def _numbers(wanted: Wanted, base: Path) -> list[int]:
    """Return the states' numbers in the order in which to try them.

    What goes on from the last run needs the state of that, also where several ran at once.
    """
    numbers = list(range(MOST_AT_ONCE))
    if wanted.again is not None:
        numbers.sort(key=lambda number: -last_ran(base / state_name(number)))
    return numbers


def _config(wanted: Wanted, checkout: Checkout) -> tuple[str, str]:
    """Return the config's text, and what to call it."""
    path = wanted.config or checkout.root / CONFIG_FILE
    if wanted.config is None and wanted.clean:
        text = read_committed(checkout)
        if text is None:
            raise CannotRunHere(f"the last commit has no {CONFIG_FILE}")
        return text, CONFIG_FILE
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise CannotRunHere(f"there is no {path}; give another file with --config") from error
    except OSError as error:
        raise CannotRunHere(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotRunHere(f"{path} is not valid UTF-8 at byte {error.start}") from error
    return text, CONFIG_FILE if wanted.config is None else str(wanted.config)


def _values(wanted: Wanted, checkout: Checkout) -> dict[str, Json]:
    """Return pipeline values that tell of the real repository instead of our copy."""
    values: dict[str, Json] = {}
    if checkout.remote:
        for name in ("project.git_url", "git.repo_url", "config.repository.url"):
            values[f"pipeline.{name}"] = checkout.remote
    if wanted.pull_request is not None:
        values |= _pull_values(wanted.pull_request, checkout)
    return {**values, **pretended_values(wanted.values)}


def _pull_values(number: int, checkout: Checkout) -> dict[str, Json]:
    """Return what a config may know of a pull request from this branch into the default one."""
    base = _default_branch(checkout)
    revision = checkout.refs.get(f"refs/remotes/origin/{base}") or checkout.refs.get(
        f"refs/heads/{base}"
    )
    prefix = "pipeline.event.github.pull_request."
    return {
        "pipeline.event.name": "pull_request",
        "pipeline.event.action": "opened",
        "pipeline.git.base_revision": revision,
        f"{prefix}number": number,
        f"{prefix}title": checkout.commit.subject if checkout.commit is not None else "",
        f"{prefix}draft": False,
        f"{prefix}merged": False,
        f"{prefix}head.ref": checkout.branch,
        f"{prefix}head.sha": checkout.commit.revision if checkout.commit is not None else None,
        f"{prefix}base.ref": base,
        f"{prefix}base.sha": revision,
    }


def _variables(wanted: Wanted, checkout: Checkout) -> dict[str, str]:
    """Return variables that tell of the real repository instead of our copy."""
    if not checkout.remote:
        return {}
    told = {"CIRCLE_REPOSITORY_URL": checkout.remote}
    if wanted.pull_request is not None:
        page = pull_request_page(checkout.remote, str(wanted.pull_request))
        if page is not None:
            told |= dict.fromkeys(("CIRCLE_PULL_REQUEST", "CIRCLE_PULL_REQUESTS"), page)
    return told


def _slug(checkout: Checkout) -> Slug:
    """Return the slug that `origin` suggests; without one, that of the folder."""
    path = checkout.remote.removesuffix("/").removesuffix(".git").replace(":", "/")
    parts = [part for part in path.split("/") if part]
    vcs = Vcs.BITBUCKET if "bitbucket.org" in checkout.remote else Vcs.GITHUB
    if len(parts) >= 3:
        return Slug(vcs=vcs, organization=parts[-2], project=parts[-1])
    return Slug(vcs=vcs, organization="local", project=checkout.root.name or "root")


def _default_branch(checkout: Checkout) -> str:
    for name in ("main", "master"):
        if f"refs/heads/{name}" in checkout.refs or f"refs/remotes/origin/{name}" in checkout.refs:
            return name
    return checkout.branch or "main"


async def _person(engine: Engine) -> Actor:
    """Return whoever sits at this machine, with all rights on this state."""

    def transaction(tx: Tx) -> Actor | None:
        person = tx.people.by_login(ADMINISTRATOR)
        if person is None:
            return None
        login = os.environ.get("USER") or person.login
        return Actor(id=person.id, login=login, name=login, server_administrator=True)

    by = await engine.database.write(transaction)
    if by is None:
        raise CannotRunHere(f"the state in {engine.folder.path} is damaged; remove that folder")
    return by
