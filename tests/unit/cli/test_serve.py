"""What `roundel serve` takes from its surroundings."""

import os

import pytest

from roundel.cli.serve import _master_key


def test_the_master_key_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROUNDEL_MASTER_KEY", "c2VjcmV0")
    key = _master_key()
    assert key == "c2VjcmV0"
    assert repr(key) == "***"
    assert "ROUNDEL_MASTER_KEY" not in os.environ
    assert _master_key() is None
