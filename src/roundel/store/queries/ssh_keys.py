"""Additional SSH keys as the API shows them."""

from collections.abc import Sequence

from roundel.domain.ids import ProjectId
from roundel.domain.ssh_keys import SshKey
from roundel.store.database import Database
from roundel.store.repos.ssh_keys import of_project


class SqlSshKeyReads:
    """Implements `domain.ssh_keys.SshKeyReads`."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    async def ssh_keys(self, project_id: ProjectId) -> Sequence[SshKey]:
        """Return a project's keys in the order of their making."""
        return await self._read(lambda sql: of_project(sql, project_id))
