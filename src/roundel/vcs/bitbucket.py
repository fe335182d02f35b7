"""Bitbucket Cloud: several changes in one push, and pull requests of a workspace."""

from collections.abc import Mapping
from urllib.parse import urlsplit

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
)
from roundel.domain.git_hosts import Unverified
from roundel.domain.pipelines import Commit
from roundel.vcs.addresses import is_revision, ref_names
from roundel.vcs.github import commit_of, message_of
from roundel.vcs.protocol import Fields, read_json, sha256_signature_fits

MOST_CHANGES = 1000
_ACTIONS = {
    "created": PullAction.OPENED,
    "updated": PullAction.SYNCHRONIZE,
    "fulfilled": PullAction.CLOSED,
    "rejected": PullAction.CLOSED,
}


class Bitbucket:
    """Implements `domain.git_hosts.GitHost` for Bitbucket Cloud."""

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the signature is that of the body."""
        scheme, _, given = headers.get("x-hub-signature", "").partition("=")
        return scheme == "sha256" and sha256_signature_fits(given, raw_body, secret)

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what a verified message says."""
        body = read_json(raw_body)
        if isinstance(body, Unverified):
            return body
        id_ = headers.get("x-request-uuid", "")
        name = headers.get("x-event-key", "")
        kind, _, action = name.partition(":")
        if name == "repo:push":
            return _push(id_, body)
        if kind == "pullrequest":
            return message_of(id_, name, _pull(action, body))
        if not name:
            return message_of(id_, name, Ignored("the message does not name its event"))
        return message_of(id_, name, Ignored(f"Roundel does not listen to {name[:60]} events"))


def _push(id_: str, body: Fields) -> Message:
    repository, sender = _repository(body), _sender(body)
    if repository is None:
        return message_of(id_, "repo:push", Ignored("the message names no repository"))
    events: list[GitEvent] = []
    ignored: list[Ignored] = []
    for change in body.each("push", "changes")[:MOST_CHANGES]:
        found = _change(change, repository, sender)
        if isinstance(found, Ignored):
            ignored.append(found)
        else:
            events.append(found)
    return Message(id=id_, name="repo:push", events=tuple(events), ignored=tuple(ignored))


def _change(change: Fields, repository: HostRepository, sender: Sender) -> GitEvent | Ignored:
    new, old = change.at("new"), change.at("old")
    kind = (new or old).text("type")
    name = (new or old).text("name")
    before = old.text("target", "hash") or None
    target = new.at("target")
    after = target.text("hash") if is_revision(target.text("hash")) else ""
    url = target.text("links", "html", "href")
    if kind in ("tag", "annotated_tag"):
        if not new:
            return Ignored(f"the tag {name} is deleted")
        if not after or not ref_names(None, name):
            return Ignored("a change names no tag")
        return TagPush(
            repository=repository,
            sender=sender,
            tag=name,
            before=before,
            after=after,
            commit=_commit(target),
            commit_url=url,
        )
    if kind not in ("branch", "named_branch") or not ref_names(name, None):
        return Ignored("a change is of neither a branch nor a tag")
    if not new:
        return BranchDelete(repository=repository, sender=sender, branch=name, before=before)
    if not after:
        return Ignored("a change names no commit")
    return Push(
        repository=repository,
        sender=sender,
        branch=name,
        before=before,
        after=after,
        forced=change.flag("forced"),
        commit=_commit(target),
        commit_url=url,
    )


def _commit(target: Fields) -> Commit:
    raw = target.text("author", "raw")
    name, _, email = raw.partition(" <")
    return commit_of(
        target.text("hash"),
        target.text("message"),
        name=name,
        email=email.rstrip(">"),
        login=target.text("author", "user", "nickname"),
    )


def _pull(word: str, body: Fields) -> GitEvent | Ignored:
    pull, repository = body.at("pullrequest"), _repository(body)
    if repository is None or not pull:
        return Ignored("the message names no pull request")
    if word == "comment_created":
        return Comment(
            repository=repository,
            sender=_sender(body),
            number=pull.number("id"),
            body=body.text("comment", "content", "raw"),
        )
    action = _ACTIONS.get(word)
    if action is None:
        return Ignored(f"nothing to build when a pull request is {word[:60]}")
    source, target = pull.at("source"), pull.at("destination")
    revision = source.text("commit", "hash")
    if not revision:
        return Ignored("the pull request names no commit")
    owner, _, name = source.text("repository", "full_name").partition("/")
    fork = source.text("repository", "uuid") != target.text("repository", "uuid")
    return PullRequest(
        repository=repository,
        sender=_sender(body),
        action=action,
        number=pull.number("id"),
        title=pull.text("title"),
        url=pull.text("links", "html", "href"),
        head=PullEnd(
            branch=source.text("branch", "name"),
            revision=revision,
            owner=owner,
            name=name,
            address=_beside(repository, source.at("repository")) if fork else "",
        ),
        base=PullEnd(branch=target.text("branch", "name"), revision=target.text("commit", "hash")),
        author=pull.text("author", "nickname"),
        author_id=pull.text("author", "uuid"),
        fork=fork or not source.text("repository", "uuid"),
        draft=pull.flag("draft"),
        merged=pull.text("state") == "MERGED",
        open=pull.text("state") == "OPEN",
        merge_revision=pull.text("merge_commit", "hash") or None,
    )


def _repository(body: Fields) -> HostRepository | None:
    found = body.at("repository")
    id_, full_name = found.text("uuid"), found.text("full_name")
    owner, _, name = full_name.partition("/")
    if not id_ or not name:
        return None
    web = found.text("links", "html", "href")
    return HostRepository(
        external_id=id_,
        owner=owner,
        name=name,
        web_url=web,
        addresses=(web, f"git@bitbucket.org:{full_name}.git") if web else (),
        default_branch=found.text("mainbranch", "name"),
    )


def _beside(repository: HostRepository, fork: Fields) -> str:
    """Return where git finds a fork: its own page, if that is at the repository's own host.

    Bitbucket's cloud has no ref for the heads of pull requests in the repository that they are for.
    """
    address = fork.text("links", "html", "href")
    host = urlsplit(repository.web_url)
    if not address.startswith(f"https://{host.netloc}/") or host.scheme != "https":
        return ""
    return address


def _sender(body: Fields) -> Sender:
    found = body.at("actor")
    return Sender(
        login=found.text("nickname") or found.text("display_name"),
        external_id=found.text("uuid"),
        avatar_url=found.text("links", "avatar", "href"),
    )
