"""Servers of one database agree on the key that secrets are sealed under."""

import base64
from pathlib import Path

import pytest

from roundel.app import CannotServe, build
from roundel.domain.runners import Secret
from roundel.settings import Settings
from tests.postgres import Cluster

pytestmark = pytest.mark.postgresql

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()


def settings(folder: Path, url: str, *keys: str) -> Settings:
    key = Secret("\n".join(keys)) if keys else None
    return Settings(data=folder, run_jobs=False, database_url=url, master_key=key)


@pytest.fixture
def url(postgres: Cluster):
    url = postgres.fresh()
    yield url
    postgres.drop(url)


async def starts(folder: Path, url: str, *keys: str):
    engine = build(settings(folder, url, *keys))
    try:
        await engine.start()
    except BaseException:
        await engine.stop()
        raise
    return engine


async def test_a_server_with_another_key_is_refused_beside_one_that_lives(tmp_path, url):
    one = await starts(tmp_path / "one", url)
    with pytest.raises(CannotServe, match="give all of them the same key"):
        await starts(tmp_path / "two", url)
    await one.stop()


async def test_servers_with_one_key_serve_together(tmp_path, url):
    one = await starts(tmp_path / "one", url, OLD)
    two = await starts(tmp_path / "two", url, OLD)
    await two.stop()
    await one.stop()


async def test_a_key_is_replaced_one_server_after_another(tmp_path, url):
    one = await starts(tmp_path / "one", url, OLD)
    two = await starts(tmp_path / "two", url, OLD, NEW)
    await one.stop()
    one = await starts(tmp_path / "one", url, NEW, OLD)
    await two.stop()
    two = await starts(tmp_path / "two", url, NEW)
    await two.stop()
    await one.stop()


async def test_a_server_whose_key_is_lost_may_start_alone(tmp_path, url):
    one = await starts(tmp_path / "one", url, OLD)
    await one.stop()
    two = await starts(tmp_path / "two", url, NEW)
    await two.stop()
