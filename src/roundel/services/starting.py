"""Starting the pipeline of a git event, or saying why it is not started now."""

import logging

from roundel.domain.access import Actor
from roundel.domain.clock import Micros
from roundel.domain.git_events import PullRequest, Push, Sender, event_ref
from roundel.domain.git_hosts import Provider
from roundel.domain.git_refs import News
from roundel.domain.ids import PersonId
from roundel.domain.pipelines import TriggerType
from roundel.services.event_origins import origin_of
from roundel.services.git_matching import Start
from roundel.services.pipelines import Triggered, TriggerPipeline, accept_pipeline
from roundel.services.sources import Looked
from roundel.services.strangers import is_held
from roundel.services.work import App, Tx

log = logging.getLogger(__name__)


def why_not_now(tx: Tx, start: Start, fresh: News) -> str:
    """Return why a pipeline is not made although the event asks for it; empty if it is."""
    project = start.project
    settings = tx.settings.of_project(project.id)
    if settings.block_new_work:
        return "new work is blocked in the project's settings"
    if tx.settings.of_organization(project.organization.id).block_new_work:
        return "new work is blocked in the organization's settings"
    if fresh is News.SEEN:
        return f"{event_ref(start.event)} was there already"
    redundant = settings.autocancel_builds and start.ref.branch != project.default_branch
    if fresh is News.LATE and redundant and isinstance(start.event, Push):
        return "a newer push of the branch came before it"
    return ""


def start_pipeline(
    tx: Tx,
    start: Start,
    looked: Looked,
    provider: Provider,
    fresh: News,
    app: App,
    at: Micros,
) -> Triggered:
    """Make the pipeline of an event."""
    event, project = start.event, start.project
    branch = start.ref.branch
    pulls = () if branch is None else tx.connections.open_pulls(start.source.id, branch)
    held = isinstance(event, PullRequest) and is_held(tx, project, event)
    command = TriggerPipeline(
        project=project,
        by=actor_of(event.sender),
        ref=start.ref,
        type=TriggerType.WEBHOOK,
        origin=origin_of(event, provider, pulls, held=held),
        launch=start.launch,
        overtaken=fresh is News.LATE,
    )
    log.info(
        "an event of a git host starts a pipeline of %s",
        project.slug,
        extra={"event": "git-event", "project": str(project.slug)},
    )
    return accept_pipeline(tx, command, looked, app.instance, at)


def actor_of(sender: Sender) -> Actor:
    """Return who stands behind an event: somebody whom the host knows, and nobody whom we do.

    A login at a host is no login here, so that no right follows from the name.
    """
    return Actor(
        id=PersonId(""), login=sender.login, name=sender.login, avatar_url=sender.avatar_url
    )
