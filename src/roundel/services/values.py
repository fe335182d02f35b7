"""Pipeline values: what a config may know of its pipeline, by dotted names."""

from roundel.domain.clock import rfc3339_millis
from roundel.domain.pipelines import Commit, Pipeline, Ref, TriggerType
from roundel.domain.plan import Json
from roundel.domain.projects import LONG_FORM, Project
from roundel.services.sources import Sources, ref_or_default

# `pipeline.trigger_source` uses another word for one of the trigger types.
_SOURCES = {TriggerType.EXPLICIT: "api"}


def pipeline_values(
    pipeline: Pipeline,
    project: Project,
    commit: Commit,
    config_file: str,
    sources: Sources | None = None,
) -> dict[str, Json]:
    """Return the values that are known; those that are not are left out and count as null.

    `sources` are there once the config was read; until then only a config beside the commit is
    fully known.
    """
    slug, ref = project.slug, pipeline.ref
    type_ = _SOURCES.get(pipeline.trigger.type, pipeline.trigger.type.value)
    values: dict[str, Json] = {
        "pipeline.id": pipeline.id,
        "pipeline.number": pipeline.number,
        "pipeline.project.git_url": project.repository_url,
        "pipeline.project.type": LONG_FORM[slug.vcs],
        "pipeline.project.slug": f"{LONG_FORM[slug.vcs]}/{slug.organization}/{slug.project}",
        "pipeline.git.branch": ref.branch or "",
        "pipeline.git.tag": ref.tag or "",
        "pipeline.git.branch.is_default": ref.branch == project.default_branch,
        "pipeline.git.revision": commit.revision,
        "pipeline.git.repo_name": slug.project,
        "pipeline.git.repo_owner": slug.organization,
        "pipeline.git.repo_url": project.repository_url,
        "pipeline.git.commit.subject": commit.subject,
        "pipeline.git.commit.body": commit.body,
        "pipeline.git.commit.author_login": commit.author_login,
        "pipeline.git.commit.author_name": commit.author_name,
        "pipeline.git.commit.author_email": commit.author_email,
        "pipeline.trigger_source": type_,
        "pipeline.trigger.type": type_,
        "pipeline.trigger.received_at": rfc3339_millis(pipeline.trigger.received_at),
        "pipeline.event.name": type_,
        "pipeline.event.action": type_,
        "pipeline.config.file_path": config_file,
        "pipeline.config.sha": commit.revision,
        "pipeline.config.repository.url": project.repository_url,
    }
    if pipeline.origin is not None:
        values |= pipeline.origin.values
    if pipeline.schedule_id is not None:
        values["pipeline.schedule.id"] = pipeline.schedule_id
        values["pipeline.schedule.name"] = pipeline.schedule_name
    if ref.branch is not None or ref.tag is not None:
        values["pipeline.config.ref"] = _full_name(ref)
    return values | _of_launch(pipeline, project, sources)


def _of_launch(pipeline: Pipeline, project: Project, sources: Sources | None) -> dict[str, Json]:
    """Return what definition and trigger tell, over what holds without them."""
    launch = pipeline.launch
    values: dict[str, Json] = {
        "pipeline.definition.id": pipeline.definition_id,
        "pipeline.config.repository.name": project.slug.project,
    }
    if sources is not None:
        config = sources.config_project
        values |= {
            "pipeline.config.sha": sources.config.commit.revision,
            "pipeline.config.repository.name": config.slug.project,
            "pipeline.config.repository.url": config.repository_url,
        }
    if sources is not None and sources.checkout_project.id != project.id:
        checkout = sources.checkout_project
        values |= {
            "pipeline.git.branch.is_default": pipeline.ref.branch == checkout.default_branch,
            "pipeline.git.repo_name": checkout.slug.project,
            "pipeline.git.repo_owner": checkout.slug.organization,
            "pipeline.git.repo_url": checkout.repository_url,
        }
    if launch is None:
        return values
    if launch.trigger_id is not None:
        values["pipeline.trigger.id"] = launch.trigger_id
    if launch.trigger_name:
        values["pipeline.trigger.name"] = launch.trigger_name
    if launch.config_file is not None:
        values["pipeline.config.file_path"] = launch.config_file
    if launch.config is not None:
        source = project if sources is None else sources.config_project
        values["pipeline.config.ref"] = _full_name(ref_or_default(launch.config.ref, source))
    return values | dict(launch.values)


def _full_name(ref: Ref) -> str:
    return f"refs/heads/{ref.branch}" if ref.tag is None else f"refs/tags/{ref.tag}"
