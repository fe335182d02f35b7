"""Bitbucket Data Center: its own words, at one's own address."""

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
from roundel.vcs.addresses import is_revision, ref_names
from roundel.vcs.github import message_of
from roundel.vcs.protocol import Fields, read_json, sha256_signature_fits

MOST_CHANGES = 1000
_ACTIONS = {
    "pr:opened": PullAction.OPENED,
    "pr:from_ref_updated": PullAction.SYNCHRONIZE,
    "pr:modified": PullAction.CHANGED,
    "pr:merged": PullAction.CLOSED,
    "pr:declined": PullAction.CLOSED,
    "pr:deleted": PullAction.CLOSED,
    "pr:reopened": PullAction.REOPENED,
}


class BitbucketDataCenter:
    """Implements `domain.git_hosts.GitHost` for Bitbucket Data Center."""

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the signature is that of the body."""
        scheme, _, given = headers.get("x-hub-signature", "").partition("=")
        return scheme == "sha256" and sha256_signature_fits(given, raw_body, secret)

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what a verified message says."""
        id_, name = headers.get("x-request-id", ""), headers.get("x-event-key", "")
        if name == "diagnostics:ping":
            ping = Ignored("a ping starts nothing; the connection works")
            return message_of(id_, name, ping)
        body = read_json(raw_body)
        if isinstance(body, Unverified):
            return body
        if name == "repo:refs_changed":
            return _push(id_, body)
        if name == "pr:comment:added":
            return message_of(id_, name, _comment(body))
        if name in _ACTIONS:
            return message_of(id_, name, _pull(_ACTIONS[name], body))
        if not name:
            return message_of(id_, name, Ignored("the message does not name its event"))
        return message_of(id_, name, Ignored(f"Roundel does not listen to {name[:60]} events"))


def _push(id_: str, body: Fields) -> Message:
    repository, sender = _repository(body.at("repository")), _sender(body)
    if repository is None:
        return message_of(id_, "repo:refs_changed", Ignored("the message names no repository"))
    events: list[GitEvent] = []
    ignored: list[Ignored] = []
    for change in body.each("changes")[:MOST_CHANGES]:
        found = _change(change, repository, sender)
        if isinstance(found, Ignored):
            ignored.append(found)
        else:
            events.append(found)
    return Message(id=id_, name="repo:refs_changed", events=tuple(events), ignored=tuple(ignored))


def _change(change: Fields, repository: HostRepository, sender: Sender) -> GitEvent | Ignored:
    before = revision_or_none(change.text("fromHash"))
    after = revision_or_none(change.text("toHash"))
    kind, name = change.text("ref", "type"), change.text("ref", "displayId")
    if after is not None and not is_revision(after):
        return Ignored("a change names no commit")
    if kind == "TAG" and ref_names(None, name):
        if after is None:
            return Ignored(f"the tag {name} is deleted")
        return TagPush(repository=repository, sender=sender, tag=name, before=before, after=after)
    if kind != "BRANCH" or not ref_names(name, None):
        return Ignored("a change is of neither a branch nor a tag")
    if after is None:
        return BranchDelete(repository=repository, sender=sender, branch=name, before=before)
    return Push(repository=repository, sender=sender, branch=name, before=before, after=after)


def _pull(action: PullAction, body: Fields) -> GitEvent | Ignored:
    pull = body.at("pullRequest")
    source, target = pull.at("fromRef"), pull.at("toRef")
    repository = _repository(target.at("repository"))
    revision = source.text("latestCommit")
    if repository is None or not is_revision(revision):
        return Ignored("the message names no pull request")
    fork = source.text("repository", "id") != target.text("repository", "id")
    links = pull.at("links").each("self")
    return PullRequest(
        repository=repository,
        sender=_sender(body),
        action=action,
        number=pull.number("id"),
        title=pull.text("title"),
        url=links[0].text("href") if links else "",
        head=PullEnd(
            branch=source.text("displayId"),
            revision=revision,
            owner=source.text("repository", "project", "key"),
            name=source.text("repository", "slug"),
        ),
        base=PullEnd(branch=target.text("displayId"), revision=target.text("latestCommit")),
        author=pull.text("author", "user", "name"),
        author_id=pull.text("author", "user", "id"),
        fork=fork or not source.text("repository", "id"),
        draft=pull.flag("draft"),
        merged=pull.text("state") == "MERGED",
        # One that is deleted is told of as it was before.
        open=pull.text("state") == "OPEN" and action is not PullAction.CLOSED,
        before=revision_or_none(body.text("previousFromHash")),
        merge_revision=pull.text("properties", "mergeCommit", "id") or None,
    )


def _comment(body: Fields) -> GitEvent | Ignored:
    repository = _repository(body.at("pullRequest", "toRef", "repository"))
    if repository is None:
        return Ignored("the message names no pull request")
    return Comment(
        repository=repository,
        sender=_sender(body),
        number=body.number("pullRequest", "id"),
        body=body.text("comment", "text"),
    )


def _repository(found: Fields) -> HostRepository | None:
    id_, owner, name = found.text("id"), found.text("project", "key"), found.text("slug")
    if not id_ or not name:
        return None
    links = found.at("links")
    addresses = [it.text("href") for it in links.each("clone")]
    own = links.each("self")
    return HostRepository(
        external_id=id_,
        owner=owner,
        name=name,
        web_url=own[0].text("href").removesuffix("/browse") if own else "",
        addresses=tuple(address for address in addresses if address),
    )


def _sender(body: Fields) -> Sender:
    found = body.at("actor")
    return Sender(login=found.text("name"), external_id=found.text("id"))
