"""What a pipeline may know of the git event that started it: values, and facts for its jobs."""

from collections.abc import Sequence

from roundel.domain.git_events import (
    BranchDelete,
    Comment,
    GitEvent,
    HostRepository,
    PullRequest,
    Push,
    Sender,
    TagPush,
)
from roundel.domain.git_hosts import Provider, PullFacts
from roundel.domain.pipelines import Commit, Origin
from roundel.domain.plan import Json
from roundel.domain.skipping import asks_to_skip

# `pipeline.integration_source`, where the provider's name is not the word for it.
_SOURCES = {
    Provider.GITHUB: "github_app",
    Provider.BITBUCKET: "bitbucket",
    Provider.BITBUCKET_DC: "bitbucket_dc",
}


def origin_of(
    event: GitEvent, provider: Provider, pulls: Sequence[PullFacts], *, held: bool = False
) -> Origin:
    """Return what a pipeline keeps of its event; `pulls` are open ones of its branch."""
    repository = event.repository
    values: dict[str, Json] = {
        **_common(event, repository, event.sender, provider),
        **_of_code(event, provider),
    }
    pull = event if isinstance(event, PullRequest) else None
    if pull is not None:
        values |= _of_pull(pull)
        urls: tuple[str, ...] = (pull.url,) if pull.open else ()
    else:
        urls = tuple(it.url for it in pulls)
    return Origin(
        provider=provider.value,
        repository=repository.full_name,
        event=event_name(event),
        action=action_of(event),
        values={name: value for name, value in values.items() if value not in (None, "")},
        base_revision=_base(event),
        pull_urls=tuple(url for url in urls if url),
        pull_number=None if pull is None else pull.number,
        fork=pull is not None and pull.fork,
        fork_owner=pull.head.owner if pull is not None and pull.fork else "",
        fork_name=pull.head.name if pull is not None and pull.fork else "",
        fork_branch=pull.head.branch if pull is not None and pull.fork else "",
        fork_address=pull.head.address if pull is not None and pull.fork else "",
        author_id="" if pull is None else pull.author_id,
        web_url=repository.web_url,
        held=held,
    )


def event_name(event: GitEvent) -> str:
    """Return `pipeline.event.name`."""
    return "pull_request" if isinstance(event, PullRequest | Comment) else "push"


def action_of(event: GitEvent) -> str:
    """Return `pipeline.event.action`: what was done, or the event's name where that says it."""
    match event:
        case PullRequest():
            return event.action.value
        case BranchDelete():
            return "deleted"
    return event_name(event)


def wants_no_pipeline(event: GitEvent, commit: Commit | None) -> bool:
    """Tell whether commit or title ask for none; a fork has no say in it."""
    if isinstance(event, PullRequest):
        if event.fork:
            return False
        if asks_to_skip(Commit(revision="", subject=event.title)):
            return True
    return commit is not None and asks_to_skip(commit)


def _base(event: GitEvent) -> str | None:
    match event:
        case Push() | TagPush():
            return event.before
        case PullRequest():
            return event.base.revision or None
    return None


def _common(
    event: GitEvent, repository: HostRepository, sender: Sender, provider: Provider
) -> dict[str, Json]:
    values: dict[str, Json] = {
        "pipeline.git.repo_id": _number(repository.external_id),
        "pipeline.git.repo_name": repository.name,
        "pipeline.git.repo_owner": repository.owner,
        "pipeline.git.repo_url": repository.web_url,
        "pipeline.git.ssh_checkout_url": _ssh_address(repository),
        "pipeline.integration_source": _SOURCES.get(provider, provider.value),
        "pipeline.event.name": event_name(event),
        "pipeline.event.action": action_of(event),
        "pipeline.trigger_parameters.circleci.trigger_type": _SOURCES.get(provider, provider.value),
        "pipeline.trigger_parameters.circleci.event_type": event_name(event),
    }
    if provider in (Provider.GITHUB, Provider.GITEA):
        values |= {
            "pipeline.event.github.repository.name": repository.name,
            "pipeline.event.github.repository.url": repository.web_url,
            "pipeline.event.github.repository.owner.login": repository.owner,
            "pipeline.event.github.sender.login": sender.login,
            "pipeline.event.github.sender.avatar_url": sender.avatar_url,
            "pipeline.event.github.sender.type": sender.type,
        }
    return values


def _of_code(event: GitEvent, provider: Provider) -> dict[str, Json]:
    """Return what there is to say of the commit, in the words of the host's own group as well."""
    if not isinstance(event, Push | TagPush):
        return {}
    full = f"refs/heads/{event.branch}" if isinstance(event, Push) else f"refs/tags/{event.tag}"
    commit = event.commit
    values: dict[str, Json] = {
        "pipeline.git.base_revision": event.before,
        "pipeline.git.commit.url": event.commit_url,
        "pipeline.event.github.ref": full,
        "pipeline.event.github.after": event.after,
        "pipeline.event.github.head_commit.url": event.commit_url,
    }
    group = {Provider.GITHUB: "github_app", Provider.GITLAB: "gitlab"}.get(provider)
    if group is None:
        return values
    prefix = f"pipeline.trigger_parameters.{group}."
    own: dict[str, Json] = {
        "type": "tag_push" if isinstance(event, TagPush) else "push",
        "ref": full,
        "branch": event.branch if isinstance(event, Push) else "",
        "checkout_sha": event.after if commit is None else commit.revision,
        "commit_sha": event.after if commit is None else commit.revision,
        "repo_name": event.repository.name,
        "repo_url": event.repository.web_url,
        "web_url": event.repository.web_url,
        "default_branch": event.repository.default_branch,
        "user_id": event.sender.external_id,
        "user_name": event.sender.login,
        "user_username": event.sender.login,
        "user_avatar": event.sender.avatar_url,
    }
    if commit is not None:
        own |= {
            "commit_title": commit.subject,
            "commit_message": f"{commit.subject}\n\n{commit.body}".strip(),
            "commit_author_name": commit.author_name,
            "commit_author_email": commit.author_email,
        }
    return values | {prefix + name: value for name, value in own.items()}


def _of_pull(pull: PullRequest) -> dict[str, Json]:
    prefix = "pipeline.event.github.pull_request."
    return {
        "pipeline.git.base_revision": pull.base.revision,
        "pipeline.event.context.github.pr_url": pull.url,
        "pipeline.event.github.label.name": pull.added_labels[0] if pull.added_labels else "",
        f"{prefix}title": pull.title,
        f"{prefix}url": pull.url,
        f"{prefix}number": pull.number,
        f"{prefix}merged": pull.merged,
        f"{prefix}draft": pull.draft,
        f"{prefix}head.ref": pull.head.branch,
        f"{prefix}head.sha": pull.head.revision,
        f"{prefix}base.ref": pull.base.branch,
        f"{prefix}base.sha": pull.base.revision,
    }


def _number(text: str) -> Json:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _ssh_address(repository: HostRepository) -> str:
    for address in repository.addresses:
        if address.startswith("ssh://") or ("@" in address and "://" not in address):
            return address
    return ""
