"""Tokens of a GitHub App: made for one repository, kept for who has the App's key."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from roundel.domain.git_hosts import Credentials, HostRefused, Provider
from roundel.domain.runners import Secret
from roundel.vcs.github_api import GitHubApi
from roundel.wire.web import Web, WebAnswer


class FakeWeb(Web):
    """Answers as GitHub does, with a new token each time, to whom it lets in."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[Any] = []
        self.lets_in = True

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        verify_tls: bool = True,
    ) -> WebAnswer:
        del method, headers, verify_tls
        await asyncio.sleep(0)  # others have their turn while the host thinks
        if not self.lets_in:
            return WebAnswer(401, {}, b'{"message": "A JSON web token could not be decoded"}')
        if url.endswith("/installation"):
            return WebAnswer(200, {}, b'{"id": 41}')
        assert url.endswith("/app/installations/41/access_tokens")
        self.bodies.append(json.loads(body or b"null"))
        return WebAnswer(201, {}, json.dumps({"token": f"ghs_{len(self.bodies)}"}).encode())


def an_app(app_id: str = "12345") -> Credentials:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return Credentials(
        provider=Provider.GITHUB,
        api_url="",
        app_id=app_id,
        secrets={"private_key": Secret(pem.decode())},
    )


async def test_a_password_for_git_reads_one_repository_and_is_kept_for_that_one() -> None:
    web, app = FakeWeb(), an_app()
    api = GitHubApi(web)
    assert await api.clone_credentials("acme/web", app) == ("x-access-token", "ghs_1")
    assert await api.clone_credentials("acme/web", app) == ("x-access-token", "ghs_1")
    assert await api.clone_credentials("acme/api", app) == ("x-access-token", "ghs_2")
    only = {"permissions": {"contents": "read"}}
    assert web.bodies == [{"repositories": ["web"], **only}, {"repositories": ["api"], **only}]


async def test_many_who_need_a_token_at_once_share_one() -> None:
    web, app = FakeWeb(), an_app()
    api = GitHubApi(web)
    found = await asyncio.gather(*(api.clone_credentials("acme/web", app) for _ in range(20)))
    assert set(found) == {("x-access-token", "ghs_1")}
    assert len(web.bodies) == 1


async def test_a_token_that_could_not_be_made_is_asked_for_again() -> None:
    web, app = FakeWeb(), an_app()
    api = GitHubApi(web)
    web.lets_in = False
    with pytest.raises(HostRefused, match="401"):
        await api.clone_credentials("acme/web", app)
    web.lets_in = True
    assert await api.clone_credentials("acme/web", app) == ("x-access-token", "ghs_1")


async def test_who_knows_an_apps_number_alone_gets_no_token_that_was_made_for_its_owner() -> None:
    web = FakeWeb()
    api = GitHubApi(web)
    await api.clone_credentials("acme/web", an_app())
    web.lets_in = False
    with pytest.raises(HostRefused, match="401"):
        await api.clone_credentials("acme/web", an_app())
