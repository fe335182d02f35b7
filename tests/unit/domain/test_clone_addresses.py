"""Which addresses are repositories of a connected host: a password must go to no other."""

import pytest

from roundel.domain.clock import Micros
from roundel.domain.clone_addresses import name_at_host, ssh_address
from roundel.domain.contexts import Sealed
from roundel.domain.git_hosts import Connection, ConnectionId, Provider
from roundel.domain.ids import OrganizationId


def at(provider: str, api_url: str = "") -> Connection:
    return Connection(
        id=ConnectionId("c"),
        organization_id=OrganizationId("o"),
        project_id=None,
        provider=Provider(provider),
        api_url=api_url,
        app_id="",
        secrets=Sealed(key_id="k", data=b""),
        created_at=Micros(0),
    )


HERE = [
    (at("github"), "https://github.com/acme/web.git"),
    (at("github"), "https://GitHub.com:443/acme/web"),
    (at("github"), "git@github.com:acme/web.git"),
    (at("github"), "ssh://git@github.com/acme/web.git"),
    (at("github", "https://api.github.com"), "https://github.com/acme/web"),
    (at("github", "https://git.example/api/v3"), "https://git.example/acme/web"),
    (at("gitlab"), "https://gitlab.com/acme/web.git"),
    (at("gitlab", "https://git.example/lab"), "https://git.example/lab/acme/web.git"),
    (at("bitbucket"), "https://bitbucket.org/acme/web.git"),
    (at("bitbucket-dc", "https://git.example:8443"), "https://git.example:8443/scm/acme/web.git"),
    (at("gitea", "https://git.example"), "https://git.example/acme/web.git"),
]


@pytest.mark.parametrize(("connection", "address"), HERE)
def test_a_repository_of_the_host_is_known_by_its_name_there(
    connection: Connection, address: str
) -> None:
    assert name_at_host(connection, address) == "acme/web"


ELSEWHERE = [
    (at("github"), "https://github.com.evil.example/acme/web"),
    (at("github"), "https://evil.example/github.com/acme/web"),
    (at("github"), "https://api.github.com/acme/web"),
    (at("github"), "https://github.com:8443/acme/web"),
    (at("github"), "https://ada:secret@github.com/acme/web"),
    (at("github"), "https://github.com@evil.example/acme/web"),
    (at("github"), "http://github.com/acme/web"),
    (at("github"), "https://github.com/"),
    (at("github"), "https://[github.com/acme/web"),
    (at("github"), "/github.com/acme/web"),
    (at("github", "https://git.example/api/v3"), "https://github.com/acme/web"),
    (at("gitlab", "https://git.example/lab"), "https://git.example/other/acme/web"),
    (at("gitlab", "https://git.example/lab"), "https://git.example/laboratory/acme/web"),
    (at("git"), "https://github.com/acme/web"),
]


@pytest.mark.parametrize(("connection", "address"), ELSEWHERE)
def test_no_other_address_is_taken_for_one_of_the_host(
    connection: Connection, address: str
) -> None:
    assert name_at_host(connection, address) is None
    assert ssh_address(connection, address) is None


def test_the_ssh_address_of_a_repository_is_known_where_its_host_has_the_usual_port() -> None:
    address = "https://gitlab.com/acme/tools/web.git"
    assert ssh_address(at("gitlab"), address) == "git@gitlab.com:acme/tools/web.git"
    own, odd = "https://git.example:8443/acme/web", "https://git.example/scm/acme/web"
    assert ssh_address(at("gitea", "https://git.example:8443"), own) is None
    assert ssh_address(at("bitbucket-dc", "https://git.example"), odd) is None
