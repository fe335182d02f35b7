"""GitHub: what its webhooks say, signed with HMAC-SHA256 over the raw body."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

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
from roundel.vcs.protocol import MOST_LABELS, Fields, read_json, sha256_signature_fits

SIGNATURE = "x-hub-signature-256"  # the older SHA-1 header is not looked at
_FORM = b"payload="
_ACTIONS = {
    "opened": PullAction.OPENED,
    "synchronize": PullAction.SYNCHRONIZE,
    "synchronized": PullAction.SYNCHRONIZE,  # Gitea's spelling
    "reopened": PullAction.REOPENED,
    "closed": PullAction.CLOSED,
    "labeled": PullAction.LABELED,
    "label_updated": PullAction.LABELED,  # Gitea
    "ready_for_review": PullAction.READY,
    "edited": PullAction.CHANGED,
    "converted_to_draft": PullAction.CHANGED,
    "unlabeled": PullAction.CHANGED,
    "label_cleared": PullAction.CHANGED,
}
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


class GitHub:
    """Implements `domain.git_hosts.GitHost` for GitHub, its App and plain webhooks."""

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the signature is that of the body."""
        scheme, _, given = headers.get(SIGNATURE, "").partition("=")
        return scheme == "sha256" and sha256_signature_fits(given, raw_body, secret)

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what a verified message says; bodies may be JSON or forms with JSON in them."""
        if raw_body.startswith(_FORM):
            raw_body = (
                parse_qs(raw_body.decode("utf-8", "replace"))
                .get("payload", [""])[0]
                .encode("utf-8", "surrogatepass")
            )
        body = read_json(raw_body)
        if isinstance(body, Unverified):
            return body
        name = headers.get("x-github-event", "")
        return message_of(headers.get("x-github-delivery", ""), name, read_event(name, body))


def message_of(id_: str, name: str, found: GitEvent | Ignored) -> Message:
    """Return a message with one event, or the reason why there is none."""
    if isinstance(found, Ignored):
        return Message(id=id_, name=name, ignored=(found,))
    return Message(id=id_, name=name, events=(found,))


def read_event(name: str, body: Fields) -> GitEvent | Ignored:
    """Return the event of GitHub's words, which Gitea and Forgejo speak as well."""
    match name:
        case "push":
            return _push(body)
        case "pull_request" | "pull_request_sync" | "pull_request_label":
            return _pull(body)
        case "issue_comment":
            return _comment(body)
        case "delete" | "create":
            return Ignored(f"{name} events are told as pushes, too")
        case "ping":
            return Ignored("a ping starts nothing; the connection works")
        case "":
            return Ignored("the message does not name its event")
    return Ignored(f"Roundel does not listen to {name[:60]} events")


def _push(body: Fields) -> GitEvent | Ignored:
    repository, sender = read_repository(body.at("repository")), _sender(body)
    ref, before = body.text("ref"), revision_or_none(body.text("before"))
    after = revision_or_none(body.text("after"))
    if repository is None:
        return Ignored("the message names no repository")
    if after is not None and not is_revision(after):
        return Ignored("the message names no commit")
    head = body.at("head_commit")
    commit, url = _commit(head), head.text("url")
    kind, _, name = ref.removeprefix("refs/").partition("/")
    if kind == "tags" and ref_names(None, name):
        if after is None:
            return Ignored(f"the tag {name} is deleted")
        return TagPush(
            repository=repository,
            sender=sender,
            tag=name,
            before=before,
            after=after,
            commit=commit,
            commit_url=url,
        )
    if kind != "heads" or not ref_names(name, None):
        return Ignored(f"{ref[:200]} is neither a branch nor a tag")
    if after is None:
        return BranchDelete(repository=repository, sender=sender, branch=name, before=before)
    return Push(
        repository=repository,
        sender=sender,
        branch=name,
        before=before,
        after=after,
        forced=body.flag("forced"),
        commit=commit if commit is not None and commit.revision == after else None,
        commit_url=url,
    )


def _pull(body: Fields) -> GitEvent | Ignored:
    pull = body.at("pull_request")
    repository = read_repository(body.at("repository"))
    word = body.text("action")
    action = _ACTIONS.get(word)
    if repository is None or not pull:
        return Ignored("the message names no pull request")
    if action is None:
        return Ignored(f"nothing to build when a pull request is {word[:60]}")
    head, base = pull.at("head"), pull.at("base")
    revision = head.text("sha")
    if not is_revision(revision):
        return Ignored("the pull request names no commit")
    return PullRequest(
        repository=repository,
        sender=_sender(body),
        action=action,
        number=pull.number("number") or body.number("number"),
        title=pull.text("title"),
        url=pull.text("html_url"),
        head=PullEnd(
            branch=head.text("ref"),
            revision=revision,
            owner=head.text("repo", "owner", "login") or head.text("user", "login"),
            name=head.text("repo", "name"),
        ),
        base=PullEnd(branch=base.text("ref"), revision=base.text("sha")),
        author=pull.text("user", "login"),
        author_id=pull.text("user", "id"),
        # A fork that was deleted has no repository any more; it is one all the same.
        fork=head.text("repo", "id") != base.text("repo", "id") or not head.text("repo", "id"),
        trusted=pull.text("author_association") in _TRUSTED,
        draft=pull.flag("draft"),
        merged=pull.flag("merged"),
        open=pull.text("state") != "closed",
        added_labels=_added_labels(body) if action is PullAction.LABELED else (),
        labels=_names(pull.each("labels")),
        before=revision_or_none(body.text("before")),
        merge_revision=pull.text("merge_commit_sha") or None,
    )


def _added_labels(body: Fields) -> tuple[str, ...]:
    """Return the labels that were added: of all that are there, where Gitea does not say which."""
    one, changes = body.text("label", "name"), body.at("changes")
    if one:
        return (one,)
    if changes.has("added_labels") or changes.has("removed_labels"):
        return _names(changes.each("added_labels"))
    return _names(body.at("pull_request").each("labels"))


def _names(labels: Sequence[Fields]) -> tuple[str, ...]:
    return tuple(it.text("name") for it in labels[:MOST_LABELS])


def _comment(body: Fields) -> GitEvent | Ignored:
    repository = read_repository(body.at("repository"))
    if repository is None or not (body.at("issue", "pull_request") or body.flag("is_pull")):
        return Ignored("a comment that is not on a pull request")
    return Comment(
        repository=repository,
        sender=_sender(body),
        number=body.number("issue", "number"),
        body=body.text("comment", "body"),
    )


def read_repository(found: Fields) -> HostRepository | None:
    """Return the repository; None where it has neither id nor name."""
    id_, name = found.text("id"), found.text("name")
    if not id_ or not name:
        return None
    owner = found.text("owner", "login") or found.text("full_name").partition("/")[0]
    addresses = (found.text("clone_url"), found.text("ssh_url"), found.text("html_url"))
    return HostRepository(
        external_id=id_,
        owner=owner or found.text("owner", "name"),
        name=name,
        web_url=found.text("html_url"),
        addresses=tuple(address for address in addresses if address),
        default_branch=found.text("default_branch"),
    )


def _sender(body: Fields) -> Sender:
    found = body.at("sender")
    return Sender(
        login=found.text("login") or body.text("pusher", "name"),
        external_id=found.text("id"),
        avatar_url=found.text("avatar_url"),
        type=found.text("type") or "User",
    )


def _commit(head: Fields) -> Commit | None:
    revision = head.text("id")
    if not is_revision(revision):
        return None
    return commit_of(
        revision,
        head.text("message"),
        name=head.text("author", "name"),
        email=head.text("author", "email"),
        login=head.text("author", "username"),
    )


def commit_of(
    revision: str, message: str, *, name: str = "", email: str = "", login: str = ""
) -> Commit:
    """Return a commit as a host tells of it."""
    subject, _, body = message.strip("\n").partition("\n")
    return Commit(
        revision=revision,
        subject=subject.strip(),
        body=body.strip("\n"),
        author_name=name,
        author_email=email,
        author_login=login,
    )
