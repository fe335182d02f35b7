"""What the doors may ask for of config policies."""

from collections.abc import Mapping

from roundel.app.engine import Engine
from roundel.domain.access import Actor
from roundel.domain.ids import OrganizationId
from roundel.domain.plan import Json
from roundel.domain.policies import BundleChange, Decision
from roundel.services.policies import decide, replace_bundle, switch_policies


class PolicyCases:
    """Implements `api.ports.PolicyCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def replace_bundle(
        self, organization: OrganizationId, files: Mapping[str, str], by: Actor, *, dry: bool
    ) -> BundleChange:
        """Replace an organisation's policies."""
        return await replace_bundle(organization, files, by, dry=dry, app=self._engine)

    async def switch(self, organization: OrganizationId, enabled: bool) -> bool:
        """Let policies count or not."""
        return await switch_policies(organization, enabled, self._engine)

    async def decide(
        self, organization: OrganizationId, text: str, meta: Mapping[str, Json]
    ) -> Decision:
        """Ask the policies about a config."""
        return await decide(organization, text, meta, self._engine)
