"""Gitea and Forgejo: GitHub's words, with a signature of their own."""

from collections.abc import Mapping

from roundel.domain.git_events import Ignored, Message
from roundel.domain.git_hosts import Unverified
from roundel.vcs.github import message_of, read_event
from roundel.vcs.protocol import read_json, sha256_signature_fits

_SIGNATURES = ("x-gitea-signature", "x-forgejo-signature")
_NAMES = ("x-gitea-event", "x-forgejo-event", "x-github-event")
_DELIVERIES = ("x-gitea-delivery", "x-forgejo-delivery", "x-github-delivery")


class Gitea:
    """Implements `domain.git_hosts.GitHost` for Gitea and Forgejo."""

    def verify(self, headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
        """Tell whether the signature is that of the body: bare hex, or in GitHub's form."""
        given = _first(headers, _SIGNATURES)
        if not given:
            scheme, _, given = headers.get("x-hub-signature-256", "").partition("=")
            given = given if scheme == "sha256" else ""
        return sha256_signature_fits(given, raw_body, secret)

    def read(self, headers: Mapping[str, str], raw_body: bytes) -> Message | Unverified:
        """Return what a verified message says."""
        body = read_json(raw_body)
        if isinstance(body, Unverified):
            return body
        name = _first(headers, _NAMES)
        if name == "push" and not body.text("after"):
            return Message(id="", name=name, ignored=(Ignored("the push names no commit"),))
        return message_of(_first(headers, _DELIVERIES), name, read_event(name, body))


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name] for name in names if headers.get(name)), "")
