"""GitLab: its webhooks carry a token that was agreed upon."""

from collections.abc import Mapping

from roundel.domain.git_events import (
    BranchDelete,
    Comment,
    GitEvent,
    HostRepository,
    Ignored,
    Message,
    PullAction,
    PullEnd,
    PullRequest,
    Push,
    Sender,
    TagPush,
    revision_or_none,
)
from roundel.domain.git_hosts import Unverified
from roundel.domain.pipelines import Commit
from roundel.vcs.addresses import is_revision, ref_names
from roundel.vcs.github import commit_of, message_of
from roundel.vcs.protocol import MOST_LABELS, Fields, read_json, same

_ACTIONS = {
    "open": PullAction.OPENED,
    "reopen": PullAction.REOPENED,
    "close": PullAction.CLOSED,
    "merge": PullAction.CLOSED,
}


class GitLab:
    """Implements `domain.git_hosts.GitHost` for GitLab."""

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the message has the token; GitLab signs no bodies."""
        del raw_body
        return same(headers.get("x-gitlab-token", ""), secret)

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what a verified message says."""
        body = read_json(raw_body)
        if isinstance(body, Unverified):
            return body
        id_ = headers.get("idempotency-key", "") or headers.get("x-gitlab-event-uuid", "")
        name = body.text("object_kind") or body.text("event_name")
        return message_of(id_, name, _read(name, body))


def _read(name: str, body: Fields) -> GitEvent | Ignored:
    match name:
        case "push" | "tag_push":
            return _push(body, tag=name == "tag_push")
        case "merge_request":
            return _merge_request(body)
        case "note":
            return _note(body)
        case "":
            return Ignored("the message does not name its event")
    return Ignored(f"Roundel does not listen to {name[:60]} events")


def _push(body: Fields, *, tag: bool) -> GitEvent | Ignored:
    repository = _repository(body)
    if repository is None:
        return Ignored("the message names no project")
    sender = Sender(
        login=body.text("user_username") or body.text("user_name"),
        external_id=body.text("user_id"),
        avatar_url=body.text("user_avatar"),
    )
    before, after = revision_or_none(body.text("before")), revision_or_none(body.text("after"))
    name = body.text("ref").removeprefix("refs/tags/" if tag else "refs/heads/")
    if after is not None and not is_revision(after):
        return Ignored("the message names no commit")
    commit, url = _head(body)
    if tag:
        if after is None:
            return Ignored(f"the tag {name} is deleted")
        if not ref_names(None, name):
            return Ignored("the message names no tag")
        return TagPush(
            repository=repository,
            sender=sender,
            tag=name,
            before=before,
            after=after,
            commit=commit,
            commit_url=url,
        )
    if not ref_names(name, None):
        return Ignored("the message names no branch")
    if after is None:
        return BranchDelete(repository=repository, sender=sender, branch=name, before=before)
    fits = commit is not None and commit.revision == after
    return Push(
        repository=repository,
        sender=sender,
        branch=name,
        before=before,
        after=after,
        commit=commit if fits else None,
        commit_url=url if fits else "",
    )


def _head(body: Fields) -> tuple[Commit | None, str]:
    """Return the commit that is checked out, where it is among those that are listed."""
    revision = body.text("checkout_sha")
    for found in body.each("commits"):
        if found.text("id") == revision and is_revision(revision):
            commit = commit_of(
                revision,
                found.text("message"),
                name=found.text("author", "name"),
                email=found.text("author", "email"),
            )
            return commit, found.text("url")
    return (Commit(revision=revision), "") if is_revision(revision) else (None, "")


def _merge_request(body: Fields) -> GitEvent | Ignored:
    facts, repository = body.at("object_attributes"), _repository(body)
    if repository is None or not facts:
        return Ignored("the message names no merge request")
    action = _action(body, facts)
    if action is None:
        return Ignored(f"nothing to build when a merge request is {facts.text('action')[:60]!r}")
    revision = facts.text("last_commit", "id")
    if not is_revision(revision):
        return Ignored("the merge request names no commit")
    source, target = facts.at("source"), facts.at("target")
    owner, _, name = source.text("path_with_namespace").rpartition("/")
    return PullRequest(
        repository=repository,
        sender=Sender(
            login=body.text("user", "username"),
            external_id=body.text("user", "id"),
            avatar_url=body.text("user", "avatar_url"),
        ),
        action=action,
        number=facts.number("iid"),
        title=facts.text("title"),
        url=facts.text("url"),
        head=PullEnd(branch=facts.text("source_branch"), revision=revision, owner=owner, name=name),
        base=PullEnd(branch=facts.text("target_branch"), revision=""),
        author_id=facts.text("author_id"),
        fork=facts.text("source_project_id") != facts.text("target_project_id")
        or not facts.text("source_project_id")
        or not target,
        draft=facts.flag("draft") or facts.flag("work_in_progress"),
        merged=facts.text("state") == "merged",
        open=facts.text("state") == "opened",
        added_labels=_added_labels(body),
        labels=tuple(it.text("title") for it in body.each("labels")[:MOST_LABELS]),
        before=revision_or_none(facts.text("oldrev")),
        merge_revision=facts.text("merge_commit_sha") or None,
    )


def _action(body: Fields, facts: Fields) -> PullAction | None:
    """Return what was done.  An update is of code if it names the head before it."""
    word = facts.text("action")
    if word != "update":
        return _ACTIONS.get(word)
    if facts.text("oldrev"):
        return PullAction.SYNCHRONIZE
    drafts = body.at("changes", "draft")
    if drafts.has("previous") and drafts.flag("previous") and not drafts.flag("current"):
        return PullAction.READY
    return PullAction.LABELED if _added_labels(body) else PullAction.CHANGED


def _added_labels(body: Fields) -> tuple[str, ...]:
    changed = body.at("changes", "labels")
    before = {it.text("title") for it in changed.each("previous")}
    now = [it.text("title") for it in changed.each("current")[:MOST_LABELS]]
    return tuple(title for title in now if title not in before)


def _note(body: Fields) -> GitEvent | Ignored:
    repository = _repository(body)
    if repository is None or not body.at("merge_request"):
        return Ignored("a comment that is not on a merge request")
    return Comment(
        repository=repository,
        sender=Sender(login=body.text("user", "username"), external_id=body.text("user", "id")),
        number=body.number("merge_request", "iid"),
        body=body.text("object_attributes", "note"),
    )


def _repository(body: Fields) -> HostRepository | None:
    found = body.at("project")
    id_, path = found.text("id"), found.text("path_with_namespace")
    owner, _, name = path.rpartition("/")
    if not id_ or not name:
        return None
    addresses = (found.text("git_http_url"), found.text("git_ssh_url"), found.text("web_url"))
    return HostRepository(
        external_id=id_,
        owner=owner,
        name=name,
        web_url=found.text("web_url"),
        addresses=tuple(address for address in addresses if address),
        default_branch=found.text("default_branch"),
    )
