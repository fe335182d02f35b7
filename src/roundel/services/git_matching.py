"""Which pipelines a git event starts: of which projects, at which commit, or why of none."""

from collections.abc import Sequence
from dataclasses import replace

from roundel.domain.addresses import is_folder, repository_key
from roundel.domain.clock import Micros
from roundel.domain.clone_addresses import name_at_host
from roundel.domain.definitions import Definition, PipelineTrigger, ref_of
from roundel.domain.git_events import (
    NO_REVISION,
    BranchDelete,
    Comment,
    GitEvent,
    HostRepository,
    PullAction,
    PullEnd,
    PullRequest,
    Push,
    TagPush,
)
from roundel.domain.git_hosts import Connection, Provider, PullFacts
from roundel.domain.pipelines import Commit, Launch, Ref, ref_of_fork
from roundel.domain.presets import EventPreset, wants
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.settings import ProjectSettings
from roundel.services.launching import NOTHING, launch_of
from roundel.services.work import Tx

NO_FORKS = "pull requests of forks are not built: build_fork_prs is off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A pipeline that an event asks for."""

    project: Project
    source: Project  # the project whose repository the event is about
    event: GitEvent
    ref: Ref
    commit: Commit | None  # None: whatever `ref` names now
    launch: Launch | None = None  # None: the project's default definition, for want of triggers

    @property
    def fork(self) -> PullEnd | None:
        """The head to check out, where only a fork's repository has it."""
        pull = self.event
        if not isinstance(pull, PullRequest) or not pull.fork or not pull.head.address:
            return None
        return pull.head if self.ref == ref_of_fork(pull.number) else None


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
        if (
            project.id in known
            or is_folder(project.repository_url)
            or _is_of(project, repository, connection)
        ):
            return [_linked(tx, connection, project, repository)], ""
        return [], (
            f"the message is about {repository.full_name}, and {project.slug} is built from"
            " another repository"
        )
    linked = set(tx.connections.links(connection.id, repository.external_id))
    found = [
        _linked(tx, connection, project, repository)
        for project in tx.projects.of_organization(connection.organization_id)
        if project.id in linked or _is_of(project, repository, connection)
    ]
    return found, "" if found else f"no project is built from {repository.full_name}"


def _is_of(project: Project, repository: HostRepository, connection: Connection) -> bool:
    """Tell whether a project is built from a repository.

    Bitbucket Data Center may name it without its addresses; then its name at the connection's host
    counts.
    """
    address = project.repository_url
    if repository.addresses:
        return repository_key(address) in {repository_key(it) for it in repository.addresses}
    there = name_at_host(connection, address) or ""
    return there.lower() == repository.full_name.lower()


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


def starts_of(tx: Tx, source: Project, event: GitEvent) -> tuple[list[Start], str]:
    """Return the pipelines that an event of a project's repository asks for, or none and why.

    Triggers say it, those of other projects that listen to this repository too.  A project that
    has no trigger of its own on its repository, not even a disabled one, keeps the default rule.
    """
    listeners = tx.definitions.listening_to(source.id)
    starts: list[Start] = []
    reasons: list[str] = []
    if not any(trigger.project_id == source.id for _, trigger in listeners):
        why = _why_not_by_default(tx, source, event, tx.settings.of_project(source.id))
        if why:
            reasons.append(why)
        else:
            starts.append(_start(source, event))
    triggered, unwanted = _starts_of_triggers(tx, source, event, listeners)
    return starts + triggered, "; ".join(dict.fromkeys(reasons + unwanted))


def _starts_of_triggers(
    tx: Tx,
    source: Project,
    event: GitEvent,
    listeners: Sequence[tuple[Definition, PipelineTrigger]],
) -> tuple[list[Start], list[str]]:
    starts: list[Start] = []
    reasons: list[str] = []
    for definition, trigger in listeners:
        project = tx.projects.get_by_id(trigger.project_id)
        if project is None:
            continue
        why = _why_not_of_trigger(tx, project, source, trigger, event)
        if why:
            reasons.append(why)
        else:
            starts.append(_start_of_trigger(project, definition, trigger, _start(source, event)))
    return starts, reasons


def _why_not_of_trigger(
    tx: Tx, project: Project, source: Project, trigger: PipelineTrigger, event: GitEvent
) -> str:
    """Return why a trigger starts nothing for an event; empty if it does.

    No preset opens a project to the pull requests of forks: its setting does.
    """
    if trigger.disabled:
        return "a trigger that listens to it is disabled"
    if trigger.preset is None or not wants(trigger.preset, event, source.default_branch):
        return "no trigger wants it"
    forked = isinstance(event, PullRequest) and event.fork
    if forked and not tx.settings.of_project(project.id).build_fork_prs:
        return NO_FORKS
    return ""


def _start_of_trigger(
    project: Project, definition: Definition, trigger: PipelineTrigger, plain: Start
) -> Start:
    """Return what a trigger starts where `plain` is the event's own ref and commit.

    They stand where a ref is left out, in the repository that the event is about; other
    repositories are read at their default branch.
    """
    checkout_ref, config_ref = ref_of(trigger.checkout_ref), ref_of(trigger.config_ref)
    commit = None
    if checkout_ref == NOTHING and definition.checkout_project == plain.source.id:
        checkout_ref, commit = plain.ref, plain.commit
    apart = definition.config_project != definition.checkout_project or commit is None
    if config_ref == NOTHING and apart and definition.config_project == plain.source.id:
        config_ref = plain.ref
    ref, launch = launch_of(
        definition, config_ref=config_ref, checkout_ref=checkout_ref, trigger=trigger
    )
    return replace(plain, project=project, ref=ref, commit=commit, launch=launch)


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
        return NO_FORKS
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
    ref, commit = _place(project, event)
    return Start(project=project, source=project, event=event, ref=ref, commit=commit)


def _place(project: Project, event: GitEvent) -> tuple[Ref, Commit | None]:
    match event:
        case Push():
            return Ref(branch=event.branch), event.commit or Commit(revision=event.after)
        case TagPush():
            return Ref(tag=event.tag), event.commit or Commit(revision=event.after)
        case PullRequest():
            return _place_of_pull(event)
    return Ref(branch=project.default_branch), None


def _place_of_pull(pull: PullRequest) -> tuple[Ref, Commit | None]:
    """A fork's branch is known here by the number of its pull request alone."""
    revision = pull.head.revision
    if pull.fork:
        ref = ref_of_fork(pull.number)
    elif pull.merged:
        # The branch is often gone by now; what counts is where it went.
        ref, revision = Ref(branch=pull.base.branch), pull.merge_revision or ""
    else:
        ref = Ref(branch=pull.head.branch)
    # Some hosts shorten the hash; the branch says the rest.
    commit = Commit(revision=revision) if len(revision) >= len(NO_REVISION) else None
    return ref, commit
