"""Checkout keys as the API shows them."""

from collections.abc import Sequence

from roundel.domain.checkout_keys import CheckoutKey
from roundel.domain.ids import ProjectId
from roundel.store.database import Database
from roundel.store.repos.checkout_keys import of_project


class SqlCheckoutKeyReads:
    """Implements `domain.checkout_keys.CheckoutKeyReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def checkout_keys(self, project_id: ProjectId) -> Sequence[CheckoutKey]:
        """Return a project's keys in the order of their making."""
        return await self._read(lambda sql: of_project(sql, project_id))
