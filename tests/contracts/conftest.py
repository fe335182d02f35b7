"""What several tests of back ends are given."""

import pytest

from tests.engine import Engine
from tests.images import BUSYBOX, have


@pytest.fixture
def busybox(engine: Engine) -> str:
    return have(engine, BUSYBOX)
