"""The table of operations beside the published document."""

import pytest

from roundel.api.table import operations
from tests.api.test_published_schema import complete

pytestmark = pytest.mark.spec

METHODS = ("get", "post", "put", "patch", "delete")


def test_all_published_operations_are_served():
    served = {it.id for it in operations() if it.prefix == "/api/v2"}
    published = {
        entry["operationId"]
        for path in complete()["paths"].values()
        for method, entry in path.items()
        if method in METHODS
    }
    assert len(published) == 114
    assert published - served == set()
