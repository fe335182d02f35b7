"""What a pipeline is made of: the config of one commit, and the commit that its jobs check out."""

from dataclasses import replace

from roundel.domain.definitions import CONFIG_FILE
from roundel.domain.errors import Invalid
from roundel.domain.git_events import PullEnd
from roundel.domain.ids import ProjectId
from roundel.domain.pipelines import Commit, Launch, Pipeline, Ref
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.domain.repositories import Fetched, Trouble, TroubleKind
from roundel.services.access import access_to
from roundel.services.work import App, Tx

GONE = "The repository that this pipeline's definition names is not registered any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a repository said before a pipeline was accepted.

    `fetched` is the config's repository's word, `commit` what is checked out.
    """

    ref: Ref
    fetched: Fetched | Trouble | None
    commit: Commit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """A config that was read, the project in whose repository it lies, and the commit to run on.

    `address` is that of the config's repository: the project's own, or that of a fork.
    """

    config: Fetched
    config_project: Project
    checkout_project: Project
    commit: Commit
    address: str

    @property
    def text(self) -> str:
        return self.config.text


async def look(
    project: Project,
    ref: Ref,
    app: App,
    known: Commit | None = None,
    launch: Launch | None = None,
    fork: PullEnd | None = None,
) -> Looked:
    """Return what can be said of a commit before the answer; refuse a ref that is not there.

    A repository on this machine is read at once, as that takes one git process.  A remote one is
    only asked for the ref, and not even that where the commit is `known`; it is fetched behind
    the answer.  `fork` is where the commit is to be looked for, if the repository has it not.
    """
    checkout = await _checkout_project(project, launch, app)
    ref = ref_or_default(ref, checkout)
    file = None if launch is None else launch.config_file
    if fork is None:
        looked = await _look_at(checkout, ref, known, file, app)
    else:
        looked = await _look_at_fork(fork, ref, app)
    place = None if launch is None else launch.config
    if place is None:
        return looked
    source = await _project(place.project_id, app)
    config = await _look_at(source, ref_or_default(place.ref, source), None, file, app)
    return replace(looked, fetched=config.fetched)


def ref_or_default(ref: Ref, project: Project) -> Ref:
    """Return the ref, or the default branch of the project's repository where it names none."""
    named = ref.branch is not None or ref.tag is not None
    return ref if named else Ref(branch=project.default_branch)


async def _look_at(
    project: Project, ref: Ref, known: Commit | None, file: str | None, app: App
) -> Looked:
    if not project.repository_url:
        raise Invalid(
            f"The project has no repository yet. Give it one: roundel project add {project.slug}"
            " --repo PATH_OR_URL"
        )
    repositories = app.repositories
    found: Fetched | Trouble | None = None
    commit = known
    if repositories.is_local(project.repository_url):
        revision = None if known is None else known.revision
        found = await repositories.fetch(project.repository_url, ref, revision, file)
        commit = found.commit or known
    elif known is None:
        access = await access_to(project, app)
        resolved = await repositories.resolve(project.repository_url, ref, access)
        if isinstance(resolved, Trouble):
            found = resolved if resolved.kind is TroubleKind.REF_NOT_FOUND else None
        else:
            commit = Commit(revision=resolved)
    if isinstance(found, Trouble) and found.kind is TroubleKind.REF_NOT_FOUND:
        raise Invalid(found.message)
    return Looked(ref=ref, fetched=found, commit=commit)


async def _look_at_fork(head: PullEnd, ref: Ref, app: App) -> Looked:
    """Return the whole name of a fork's commit.  Nothing of ours opens a fork's repository."""
    found = await app.repositories.resolve(head.address, Ref(branch=head.branch))
    if isinstance(found, Trouble):
        if found.kind is TroubleKind.REF_NOT_FOUND:
            raise Invalid(f"the fork has no branch {head.branch} any more")
        return Looked(ref=ref, fetched=found, commit=None)
    if not found.startswith(head.revision):
        raise Invalid(f"the fork's branch {head.branch} has moved on, of which a message will tell")
    return Looked(ref=ref, fetched=None, commit=Commit(revision=found))


async def read_sources(
    pipeline: Pipeline, project: Project, fetched: Fetched | Trouble | None, app: App
) -> Sources | Trouble:
    """Return the config and the commit of an accepted pipeline, or why they cannot be had.

    `fetched` is the config where it was read before the answer.
    """
    launch = pipeline.launch
    place = None if launch is None else launch.config
    checkout = await _find(project, None if launch is None else launch.checkout_project, app)
    config = checkout if place is None else await _find(project, place.project_id, app)
    if checkout is None or config is None:
        return Trouble(kind=TroubleKind.REFUSED, message=GONE, commit=pipeline.commit)
    if launch is not None and launch.config_document is not None:
        return await _given(pipeline, launch.config_document, project, checkout, app)
    revision = None if pipeline.commit is None else pipeline.commit.revision
    if fetched is None:
        file = None if launch is None else launch.config_file
        ref, at = (
            (pipeline.ref, revision) if place is None else (ref_or_default(place.ref, config), None)
        )
        if place is None and pipeline.in_fork is not None:
            address, branch = pipeline.in_fork
            fetched = await app.repositories.fetch(address, branch, revision, file)
        else:
            fetched = await app.repositories.fetch(
                config.repository_url, ref, at, file, await access_to(config, app)
            )
    if isinstance(fetched, Trouble):
        return replace(fetched, commit=pipeline.commit if place is not None else fetched.commit)
    if place is None:
        commit: Commit | Trouble = fetched.commit
    else:
        commit = await _commit_of(pipeline, checkout, app)
    if isinstance(commit, Trouble):
        return commit
    found_in = None if place is not None else pipeline.in_fork
    return Sources(
        config=fetched,
        config_project=config,
        checkout_project=checkout,
        commit=commit,
        address=config.repository_url if found_in is None else found_in[0],
    )


async def _given(
    pipeline: Pipeline, document: str, project: Project, checkout: Project, app: App
) -> Sources | Trouble:
    """Return a config that the caller gave, and the commit to run it on."""
    text = await app.database.write(lambda tx: tx.documents.get(document))
    commit = await _commit_of(pipeline, checkout, app)
    if isinstance(commit, Trouble):
        return commit
    return Sources(
        config=Fetched(commit=commit, text=text or "", file=CONFIG_FILE),
        config_project=project,
        checkout_project=checkout,
        commit=commit,
        address=project.repository_url,
    )


async def _commit_of(pipeline: Pipeline, checkout: Project, app: App) -> Commit | Trouble:
    """Return the commit that is checked out, where the config is not in it."""
    if pipeline.commit is not None and app.repositories.is_local(checkout.repository_url):
        return pipeline.commit
    revision = None if pipeline.commit is None else pipeline.commit.revision
    if pipeline.in_fork is not None:
        found = await app.repositories.fetch(*pipeline.in_fork, revision)
    else:
        access = await access_to(checkout, app)
        found = await app.repositories.fetch(
            checkout.repository_url, pipeline.ref, revision, access=access
        )
    if isinstance(found, Trouble) and found.commit is None:
        return found
    return found.commit or Commit(revision="")


async def _checkout_project(project: Project, launch: Launch | None, app: App) -> Project:
    if launch is None or launch.checkout_project is None:
        return project
    return await _project(launch.checkout_project, app)


async def _project(project_id: ProjectId, app: App) -> Project:
    found = await app.reads.project_by_id(project_id)
    if found is None:
        raise Invalid(GONE)
    return found


async def _find(project: Project, other: ProjectId | None, app: App) -> Project | None:
    if other is None or other == project.id:
        return project
    return await app.reads.project_by_id(other)


def checkout_project(tx: Tx, pipeline: Pipeline, project: Project) -> Project | None:
    """Return the project whose repository a pipeline's jobs check out; None if it is gone."""
    launch = pipeline.launch
    other = None if launch is None else launch.checkout_project
    return project if other is None else tx.projects.get_by_id(other)
