"""Messages as git hosts send them, written from what their documents say, and signed as they do."""

import hashlib
import hmac
import json
from typing import Any

A, B, C = "a" * 40, "b" * 40, "c" * 40
ZERO = "0" * 40
SECRET = "a-secret-of-some-length"
Sent = tuple[dict[str, str], bytes]  # headers with lower-case names, and the body


def signed(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


# GitHub

GITHUB_REPOSITORY = {
    "id": 186853002,
    "name": "web",
    "full_name": "acme/web",
    "owner": {"login": "acme", "id": 1},
    "html_url": "https://github.com/acme/web",
    "clone_url": "https://github.com/acme/web.git",
    "ssh_url": "git@github.com:acme/web.git",
    "default_branch": "main",
}
GITHUB_SENDER = {"login": "ada", "id": 7, "avatar_url": "https://host.example/a", "type": "User"}


def github(event: str, body: Any, *, id_: str = "d-1", secret: str = SECRET) -> Sent:
    raw = json.dumps(body).encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": id_,
        "x-hub-signature-256": f"sha256={signed(secret, raw)}",
    }
    return headers, raw


def github_push(
    ref: str = "refs/heads/main",
    before: str = A,
    after: str = B,
    *,
    message: str = "Change it\n\nBecause.",
    **more: Any,
) -> dict[str, Any]:
    head = {
        "id": after,
        "message": message,
        "url": f"https://github.com/acme/web/commit/{after}",
        "author": {"name": "Ada", "email": "ada@example.com", "username": "ada-at-github"},
    }
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": not before.strip("0"),
        "deleted": not after.strip("0"),
        "forced": False,
        "head_commit": head if after.strip("0") else None,
        "commits": [head] if after.strip("0") else [],
        "repository": GITHUB_REPOSITORY,
        "sender": GITHUB_SENDER,
        "pusher": {"name": "ada"},
        **more,
    }


def github_pull(
    action: str = "opened", *, fork: bool = False, number: int = 7, after: str = B, **pull: Any
) -> dict[str, Any]:
    repository: dict[str, Any] = dict(GITHUB_REPOSITORY)
    if fork:
        repository = {
            "id": 99,
            "name": "web-fork",
            "full_name": "mallory/web-fork",
            "owner": {"login": "mallory"},
        }
    return {
        "action": action,
        "number": number,
        "pull_request": {
            "number": number,
            "state": "open",
            "title": "Try it",
            "html_url": f"https://github.com/acme/web/pull/{number}",
            "user": {"login": "mallory", "id": 66},
            "author_association": "NONE",
            "draft": False,
            "merged": False,
            "head": {"ref": "try", "sha": after, "repo": repository},
            "base": {"ref": "main", "sha": A, "repo": GITHUB_REPOSITORY},
            **pull,
        },
        "repository": GITHUB_REPOSITORY,
        "sender": {**GITHUB_SENDER, "login": "mallory", "id": 66},
    }


# GitLab

GITLAB_PROJECT = {
    "id": 15,
    "name": "Web",
    "path_with_namespace": "acme/tools/web",
    "web_url": "https://gitlab.com/acme/tools/web",
    "git_http_url": "https://gitlab.com/acme/tools/web.git",
    "git_ssh_url": "git@gitlab.com:acme/tools/web.git",
    "default_branch": "main",
}


def gitlab(body: Any, *, id_: str = "g-1", secret: str = SECRET) -> Sent:
    headers = {"x-gitlab-token": secret, "idempotency-key": id_, "x-gitlab-event": "Push Hook"}
    return headers, json.dumps(body).encode()


def gitlab_push(
    kind: str = "push", ref: str = "refs/heads/main", before: str = A, after: str = B
) -> dict[str, Any]:
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": before,
        "after": after,
        "ref": ref,
        "checkout_sha": after if after.strip("0") else None,
        "user_id": 4,
        "user_name": "Ada Lovelace",
        "user_username": "ada",
        "user_avatar": "https://host.example/a",
        "project_id": 15,
        "project": GITLAB_PROJECT,
        "commits": [
            {
                "id": after,
                "message": "Change it\n\nBecause.",
                "url": f"https://gitlab.com/acme/tools/web/-/commit/{after}",
                "author": {"name": "Ada", "email": "ada@example.com"},
            }
        ],
        "total_commits_count": 1,
    }


def gitlab_merge_request(action: str = "open", *, fork: bool = False, **facts: Any) -> Any:
    source = {**GITLAB_PROJECT, "path_with_namespace": "mallory/web"} if fork else GITLAB_PROJECT
    return {
        "object_kind": "merge_request",
        "user": {"id": 66, "username": "mallory", "avatar_url": ""},
        "project": GITLAB_PROJECT,
        "object_attributes": {
            "iid": 7,
            "title": "Try it",
            "state": "opened",
            "action": action,
            "url": "https://gitlab.com/acme/tools/web/-/merge_requests/7",
            "source_branch": "try",
            "target_branch": "main",
            "source_project_id": 99 if fork else 15,
            "target_project_id": 15,
            "author_id": 66,
            "draft": False,
            "last_commit": {"id": B},
            "source": source,
            "target": GITLAB_PROJECT,
            **facts,
        },
        "labels": [],
        "changes": {},
    }


# Bitbucket

BITBUCKET_REPOSITORY = {
    "uuid": "{b7b78f0c}",
    "full_name": "acme/web",
    "name": "web",
    "links": {"html": {"href": "https://bitbucket.org/acme/web"}},
    "mainbranch": {"name": "main"},
}
BITBUCKET_ACTOR = {"uuid": "{ada}", "nickname": "ada", "display_name": "Ada"}


def bitbucket(event: str, body: Any, *, id_: str = "b-1", secret: str = SECRET) -> Sent:
    raw = json.dumps(body).encode()
    headers = {
        "x-event-key": event,
        "x-request-uuid": id_,
        "x-hub-signature": f"sha256={signed(secret, raw)}",
    }
    return headers, raw


def bitbucket_change(
    name: str = "main", old: str | None = A, new: str | None = B, kind: str = "branch"
) -> dict[str, Any]:
    def end(revision: str) -> dict[str, Any]:
        target = {
            "hash": revision,
            "message": "Change it\n\nBecause.",
            "author": {"raw": "Ada <ada@example.com>", "user": {"nickname": "ada"}},
            "links": {"html": {"href": f"https://bitbucket.org/acme/web/commits/{revision}"}},
        }
        return {"type": kind, "name": name, "target": target}

    return {"old": None if old is None else end(old), "new": None if new is None else end(new)}


def bitbucket_push(*changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "actor": BITBUCKET_ACTOR,
        "repository": BITBUCKET_REPOSITORY,
        "push": {"changes": list(changes)},
    }


def bitbucket_repository(
    uuid: str, full_name: str, site: str = "https://bitbucket.org"
) -> dict[str, Any]:
    """A repository with all that the event payloads' description has of one."""
    owner, _, name = full_name.partition("/")
    api = f"https://api.bitbucket.org/2.0/repositories/{full_name}"
    return {
        "type": "repository",
        "links": {
            "self": {"href": api},
            "html": {"href": f"{site}/{full_name}"},
            "avatar": {"href": f"{site}/{full_name}/avatar/16/"},
        },
        "uuid": uuid,
        "project": None,
        "full_name": full_name,
        "name": name,
        "website": None,
        "owner": {"type": "user", "nickname": owner, "uuid": f"{{{owner}}}"},
        "workspace": {"type": "workspace", "slug": owner, "uuid": f"{{{owner}}}"},
        "scm": "git",
        "is_private": False,
    }


def bitbucket_pull(
    *,
    fork: bool = False,
    state: str = "OPEN",
    revision: str = B,
    site: str = "https://bitbucket.org",
) -> dict[str, Any]:
    own = {**BITBUCKET_REPOSITORY, **bitbucket_repository("{b7b78f0c}", "acme/web", site)}
    source = bitbucket_repository("{fork}", "mallory/web", site) if fork else own
    return {
        "actor": {"uuid": "{mallory}", "nickname": "mallory"},
        "repository": own,
        "pullrequest": {
            "id": 7,
            "title": "Try it",
            "state": state,
            "author": {"uuid": "{mallory}", "nickname": "mallory"},
            "links": {"html": {"href": "https://bitbucket.org/acme/web/pull-requests/7"}},
            "source": {
                "branch": {"name": "try"},
                "commit": {"hash": revision[:12]},
                "repository": source,
            },
            "destination": {
                "branch": {"name": "main"},
                "commit": {"hash": A[:12]},
                "repository": own,
            },
        },
    }


DC_REPOSITORY = {
    "id": 84,
    "slug": "web",
    "project": {"key": "ACME"},
    "links": {
        "clone": [
            {"name": "http", "href": "https://git.example/scm/acme/web.git"},
            {"name": "ssh", "href": "ssh://git@git.example:7999/acme/web.git"},
        ],
        "self": [{"href": "https://git.example/projects/ACME/repos/web/browse"}],
    },
}


def bitbucket_dc(event: str, body: Any, *, id_: str = "c-1", secret: str = SECRET) -> Sent:
    raw = json.dumps(body).encode()
    headers = {
        "x-event-key": event,
        "x-request-id": id_,
        "x-hub-signature": f"sha256={signed(secret, raw)}",
    }
    return headers, raw


def dc_push(kind: str = "BRANCH", name: str = "main", old: str = A, new: str = B) -> Any:
    return {
        "eventKey": "repo:refs_changed",
        "actor": {"name": "ada", "id": 7},
        "repository": DC_REPOSITORY,
        "changes": [{"ref": {"type": kind, "displayId": name}, "fromHash": old, "toHash": new}],
    }


def dc_pull(*, fork: bool = False, state: str = "OPEN") -> dict[str, Any]:
    source = {"id": 99, "slug": "web", "project": {"key": "~MALLORY"}} if fork else DC_REPOSITORY
    return {
        "actor": {"name": "mallory", "id": 66},
        "pullRequest": {
            "id": 7,
            "title": "Try it",
            "state": state,
            "author": {"user": {"name": "mallory", "id": 66}},
            "links": {"self": [{"href": "https://git.example/projects/ACME/repos/web/pull/7"}]},
            "fromRef": {"displayId": "try", "latestCommit": B, "repository": source},
            "toRef": {"displayId": "main", "latestCommit": A, "repository": DC_REPOSITORY},
        },
    }


# Gitea


def gitea(event: str, body: Any, *, id_: str = "t-1", secret: str = SECRET) -> Sent:
    raw = json.dumps(body).encode()
    headers = {
        "x-gitea-event": event,
        "x-gitea-delivery": id_,
        "x-gitea-signature": signed(secret, raw),
    }
    return headers, raw
