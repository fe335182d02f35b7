"""Which pipelines a git event starts: of which projects, at which commit, or why of none."""

from dataclasses import dataclass

from roundel.domain.addresses import is_folder, repository_key
from roundel.domain.clock import Micros
from roundel.domain.git_events import (
    NO_REVISION,
    BranchDelete,
    Comment,
    GitEvent,
    HostRepository,
    PullAction,
    PullRequest,
    Push,
    TagPush,
)
from roundel.domain.git_hosts import Connection, Provider, PullFacts
from roundel.domain.pipelines import Commit, Ref
from roundel.domain.presets import EventPreset, wants
from roundel.domain.projects import Project
from roundel.domain.settings import ProjectSettings
from roundel.services.work import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A pipeline that an event asks for."""

    project: Project
    event: GitEvent
    ref: Ref
    commit: Commit | None  # None: whatever `ref` names now


def projects_of(
    tx: Tx, connection: Connection, repository: HostRepository
) -> tuple[list[Project], str]:
    """Return the projects that a host's repository is to us, or none and the reason.

    A host's own id of a repository outlives its names; it is remembered where it was seen first.
    """
    if connection.project_id is not None:
        project = tx.projects.get_by_id(connection.project_id)
        if project is None:
            return [], "the project of this connection is gone"
        if connection.provider is Provider.GIT:
            return [project], ""
        known = tx.connections.links(connection.id, repository.external_id)
        if project.id in known or _is_of(project, repository) or is_folder(project.repository_url):
            return [_linked(tx, connection, project, repository)], ""
        return [], (
            f"the message is about {repository.full_name}, and {project.slug} is built from"
            " another repository"
        )
    linked = set(tx.connections.links(connection.id, repository.external_id))
    found = [
        _linked(tx, connection, project, repository)
        for project in tx.projects.of_organization(connection.organization_id)
        if project.id in linked or _is_of(project, repository)
    ]
    return found, "" if found else f"no project is built from {repository.full_name}"


def _is_of(project: Project, repository: HostRepository) -> bool:
    key = repository_key(project.repository_url)
    return key in {repository_key(address) for address in repository.addresses}


def _linked(tx: Tx, connection: Connection, project: Project, seen: HostRepository) -> Project:
    tx.connections.put_link(connection.id, seen.external_id, project.id, seen.full_name)
    return project


def note_pull(tx: Tx, project: Project, pull: PullRequest, at: Micros) -> None:
    """Remember a pull request as it is now: pushes to its branch know of it."""
    facts = PullFacts(
        number=pull.number,
        branch=pull.head.branch,
        url=pull.url,
        open=pull.open,
        draft=pull.draft,
        fork=pull.fork,
        title=pull.title,
        base=pull.base.branch,
    )
    tx.connections.put_pull(project.id, facts, at)


def starts_of(tx: Tx, project: Project, event: GitEvent) -> tuple[list[Start], str]:
    """Return the pipelines of one project that an event asks for, or none and the reason."""
    settings = tx.settings.of_project(project.id)
    why = _why_not_by_default(tx, project, event, settings)
    if why:
        return [], why
    return [_start(project, event)], ""


def _why_not_by_default(
    tx: Tx, project: Project, event: GitEvent, settings: ProjectSettings
) -> str:
    """Return why a project without triggers of its own does not build an event; empty if it does.

    It builds every push, or with `build_prs_only` those that have a pull request; a fork's pull
    requests with `build_fork_prs`.
    """
    match event:
        case Comment():
            return "comments start nothing"
        case BranchDelete():
            return f"the branch {event.branch} is deleted"
        case PullRequest() if event.fork:
            return _why_not_fork(event, settings)
        case PullRequest():
            return _why_not_pull(event, settings)
        case Push() if settings.build_prs_only:
            return _why_not_without_pull(tx, project, event, settings)
    if not wants(EventPreset.ALL_PUSHES, event, project.default_branch):
        return "nothing listens to it"
    return ""


def _why_not_fork(pull: PullRequest, settings: ProjectSettings) -> str:
    if not settings.build_fork_prs:
        return "pull requests of forks are not built: build_fork_prs is off"
    if pull.action not in (PullAction.OPENED, PullAction.SYNCHRONIZE, PullAction.REOPENED):
        return f"a pull request that was {pull.action.value} has no new code"
    return ""


def _why_not_pull(pull: PullRequest, settings: ProjectSettings) -> str:
    if not settings.build_prs_only:
        return "the push itself starts the pipeline of a pull request's branch"
    if pull.action not in (PullAction.OPENED, PullAction.REOPENED):
        return "the push itself starts the pipeline of a branch with a pull request"
    return ""


def _why_not_without_pull(tx: Tx, project: Project, push: Push, settings: ProjectSettings) -> str:
    always = (project.default_branch, *settings.pr_only_branch_overrides)
    if push.branch in always or tx.connections.open_pulls(project.id, push.branch):
        return ""
    return f"build_prs_only is on, and {push.branch} has no pull request"


def _start(project: Project, event: GitEvent) -> Start:
    match event:
        case Push():
            ref = Ref(branch=event.branch)
            commit = event.commit or Commit(revision=event.after)
            return Start(project=project, event=event, ref=ref, commit=commit)
        case TagPush():
            commit = event.commit or Commit(revision=event.after)
            return Start(project=project, event=event, ref=Ref(tag=event.tag), commit=commit)
        case PullRequest():
            return _start_of_pull(project, event)
        case _:
            return Start(
                project=project, event=event, ref=Ref(branch=project.default_branch), commit=None
            )


def _start_of_pull(project: Project, pull: PullRequest) -> Start:
    """A fork's branch is known here by the number of its pull request alone."""
    revision = pull.head.revision
    if pull.fork:
        ref = Ref(branch=f"pull/{pull.number}/head")
    elif pull.merged:
        # The branch is often gone by now; what counts is where it went.
        ref, revision = Ref(branch=pull.base.branch), pull.merge_revision or ""
    else:
        ref = Ref(branch=pull.head.branch)
    # Some hosts shorten the hash; the branch says the rest.
    commit = Commit(revision=revision) if len(revision) >= len(NO_REVISION) else None
    return Start(project=project, event=pull, ref=ref, commit=commit)
