"""Pipeline values: the names that a config may refer to under `pipeline.`.

A registered name without a value is undefined (null); any other name is an error.
"""

from __future__ import annotations

_NAMES = """
id number name definition.id
project.git_url project.type project.slug
git.branch git.tag git.branch.is_default git.revision git.base_revision git.repo_id git.repo_name
git.repo_owner git.repo_url git.ssh_checkout_url git.commit.url git.commit.subject git.commit.body
git.commit.author_login git.commit.author_name git.commit.author_email git.commit.author_avatar_url
trigger_source trigger.id trigger.name trigger.type trigger.received_at
schedule.id schedule.name integration_source
event.name event.action event.context.github.pr_url event.github.ref event.github.after
event.github.head_commit.url event.github.label.name event.github.comment.body
event.github.repository.name event.github.repository.url event.github.repository.owner.login
event.github.sender.login event.github.sender.avatar_url event.github.sender.type
event.github.pull_request.title event.github.pull_request.url event.github.pull_request.number
event.github.pull_request.merged event.github.pull_request.draft
event.github.pull_request.head.ref event.github.pull_request.head.sha
event.github.pull_request.base.ref event.github.pull_request.base.sha
config.file_path config.ref config.sha config.repository.name config.repository.url
deploy.component_name deploy.environment_name deploy.target_version deploy.current_version
deploy.namespace deploy.reason deploy.target_environment_name
"""

REGISTERED = frozenset(f"pipeline.{name}" for name in _NAMES.split())

# Free-form groups: what a trigger sent, whose names its own documentation lists.
_OPEN_GROUPS = (
    "pipeline.trigger_parameters.circleci.",
    "pipeline.trigger_parameters.github_app.",
    "pipeline.trigger_parameters.gitlab.",
    "pipeline.trigger_parameters.webhook.",
)


def is_registered(name: str) -> bool:
    """Tell whether a name is a pipeline value, with or without a value at present."""
    return name in REGISTERED or name.startswith(_OPEN_GROUPS)
