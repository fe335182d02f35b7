"""Looking at repositories by the clock: lost messages are found, and repositories without hooks."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from roundel.domain.clock import Micros
from roundel.domain.errors import DomainError, NotFound
from roundel.domain.git_events import BranchDelete, GitEvent, HostRepository, Push, Sender, TagPush
from roundel.domain.git_hosts import (
    FIRST_POLL,
    LAST_POLL,
    RECONCILE_EVERY,
    Provider,
    Watch,
    WatchMode,
)
from roundel.domain.git_refs import KnownRef, News, changed_refs, look_at_ref
from roundel.domain.ids import ProjectId, TimerId, new_id
from roundel.domain.projects import Project
from roundel.domain.repositories import Trouble
from roundel.domain.timers import Timer, TimerKind
from roundel.services.access import access_to
from roundel.services.event_origins import wants_no_pipeline
from roundel.services.git_matching import starts_of
from roundel.services.pipelines import Triggered
from roundel.services.sources import look
from roundel.services.starting import start_pipeline, why_not_now
from roundel.services.work import TIMERS, App, Tx

AT_ONCE = 20  # refs whose news are acted upon in one look; the rest is found by the next
FOUND = Sender(login="", type="Bot")  # nobody told us whose doing it was

log = logging.getLogger(__name__)


def watch_in(tx: Tx, watch: Watch, at: Micros) -> None:
    """Look at a repository by the clock from now on; the first look starts nothing."""
    known = tx.connections.watch(watch.project_id)
    tx.connections.put_watch(watch if known is None else replace(watch, looked_at=known.looked_at))
    tx.timers.remove_for(TimerKind.GIT_LOOK, watch.project_id)
    tx.timers.add(
        Timer(id=TimerId(new_id()), kind=TimerKind.GIT_LOOK, subject=watch.project_id, run_at=at)
    )
    tx.wake(TIMERS)


async def poll(project: Project, app: App) -> Watch:
    """Look at a repository often, as nobody tells of its pushes."""
    at = app.clock.now()
    watch = Watch(project_id=project.id, mode=WatchMode.POLLED, pause=FIRST_POLL)
    await app.database.write(lambda tx: watch_in(tx, watch, at))
    return watch


async def stop_polling(project: Project, app: App) -> None:
    """Look at it no more."""

    def transaction(tx: Tx) -> None:
        tx.timers.remove_for(TimerKind.GIT_LOOK, project.id)
        if not tx.connections.remove_watch(project.id):
            raise NotFound("The project is not polled.")

    await app.database.write(transaction)


async def look_at(project_id: ProjectId, app: App) -> list[Triggered]:
    """Look whether a repository has news; return pipelines that are to go on.

    Where a message tells of the same at this moment, one of both makes the pipeline.
    """

    def begin(tx: Tx) -> tuple[Watch, Project, Mapping[str, KnownRef]] | None:
        watch = tx.connections.watch(project_id)
        project = tx.projects.get_by_id(project_id)
        if watch is None or project is None:
            tx.timers.remove_for(TimerKind.GIT_LOOK, project_id)
            return None
        return watch, project, tx.known_refs.of_project(project_id)

    found = await app.database.write(begin)
    if found is None:
        return []
    watch, project, known = found
    heads = await app.repositories.heads(project.repository_url, await access_to(project, app))
    if isinstance(heads, Trouble):
        await _put_off(watch, heads.message, False, app)
        return []
    if watch.looked_at is None:
        await app.database.write(lambda tx: _begin_with(tx, project, heads, app.clock.now()))
        await _put_off(watch, "", True, app)
        return []
    changed = changed_refs(known, heads)
    made: list[Triggered] = []
    for ref in changed[:AT_ONCE]:
        before = known.get(ref)
        made += await _act_on(project, ref, before, heads.get(ref), app)
    await _put_off(watch, "", bool(changed), app, at_once=len(changed) > AT_ONCE)
    return made


def _begin_with(tx: Tx, project: Project, heads: Mapping[str, str], at: Micros) -> None:
    """Take the refs as they are, where no message was faster."""
    for ref, revision in heads.items():
        if tx.known_refs.get(project.id, ref) is None:
            tx.known_refs.put(project.id, KnownRef(ref=ref, revision=revision), at)


async def _act_on(
    project: Project, ref: str, known: KnownRef | None, revision: str | None, app: App
) -> list[Triggered]:
    """Start the pipelines of a ref that has moved, unless somebody has told of it meanwhile."""
    event = _event(project, ref, None if known is None else known.revision, revision)
    starts, _ = await app.database.write(lambda tx: starts_of(tx, project, event))
    found = []
    for start in starts:
        try:
            looked = await look(start.project, start.ref, app, start.commit, start.launch)
        except DomainError as error:
            if start.launch is None:
                return []  # it is gone again; the next look will see
            log.warning(
                "a trigger of %s cannot start its pipeline: %s",
                start.project.slug,
                error,
                extra={"event": "git-start-failed", "project": str(start.project.slug)},
            )
            continue
        if not wants_no_pipeline(event, looked.commit):
            found.append((start, looked))
    at = app.clock.now()

    def transaction(tx: Tx) -> list[Triggered]:
        if _moved(tx, project, ref, known, revision, at) is not News.NEW:
            return []
        return [
            start_pipeline(tx, start, looked, Provider.GIT, News.NEW, app, at)
            for start, looked in found
            if not why_not_now(tx, start, News.NEW)
        ]

    made = await app.database.write(transaction)
    for triggered in made:
        slug = str(triggered.project.slug)
        log.info(
            "a look at a repository found what nobody told: it starts a pipeline of %s",
            slug,
            extra={"event": "git-found", "project": slug, "ref": ref},
        )
    return made


def _moved(
    tx: Tx, project: Project, ref: str, seen: KnownRef | None, revision: str | None, at: Micros
) -> News:
    """Move a ref to where it was found, unless it was moved since we looked."""
    known = tx.known_refs.get(project.id, ref)
    if (known and known.revision) != (seen and seen.revision):
        return News.SEEN
    moved, news = look_at_ref(known, ref, revision)
    tx.known_refs.put(project.id, moved, at)
    return news


def _event(project: Project, ref: str, before: str | None, after: str | None) -> GitEvent:
    repository = HostRepository(
        external_id="",
        owner=project.slug.organization,
        name=project.name,
        addresses=(project.repository_url,),
        default_branch=project.default_branch,
    )
    kind, name = ref.split("/", 2)[1:]
    if after is None:
        return BranchDelete(repository=repository, sender=FOUND, branch=name, before=before)
    if kind == "tags":
        return TagPush(repository=repository, sender=FOUND, tag=name, after=after, before=before)
    return Push(repository=repository, sender=FOUND, branch=name, after=after, before=before)


async def _put_off(
    watch: Watch, problem: str, changed: bool, app: App, *, at_once: bool = False
) -> None:
    """Say when to look again: soon while something moves, less and less often while nothing."""
    at = app.clock.now()
    if watch.mode is WatchMode.RECONCILED:
        pause = RECONCILE_EVERY
    elif problem:
        pause = min(watch.pause * 2, RECONCILE_EVERY)
    else:
        pause = FIRST_POLL if changed else min(watch.pause * 2, LAST_POLL)
    looked_at = watch.looked_at if problem else at
    after = replace(watch, pause=pause, problem=problem[:500], looked_at=looked_at)
    if problem and problem != watch.problem:
        log.warning(
            "the repository cannot be looked at: %s",
            problem,
            extra={"event": "git-look-failed", "project": watch.project_id},
        )

    def transaction(tx: Tx) -> None:
        if tx.connections.watch(watch.project_id) is None:
            tx.timers.remove_for(TimerKind.GIT_LOOK, watch.project_id)
            return
        tx.connections.put_watch(after)
        again = at if at_once else Micros(at + pause)
        tx.timers.postpone(TimerKind.GIT_LOOK, watch.project_id, again)

    await app.database.write(transaction)
