"""What the doors may ask for of webhooks."""

from roundel.app.engine import Engine
from roundel.domain.projects import Project
from roundel.domain.webhooks import (
    Delivery,
    DeliveryId,
    Webhook,
    WebhookChange,
    WebhookId,
    WebhookView,
)
from roundel.services.webhooks import (
    add_webhook,
    change_webhook,
    ping_webhook,
    remove_webhook,
    tell_again,
)


class WebhookCases:
    """Implements `api.ports.WebhookCases`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add_webhook(self, project: Project, wanted: WebhookChange) -> Webhook:
        """Make a webhook."""
        return await add_webhook(project, wanted, self._engine)

    async def change_webhook(self, view: WebhookView, wanted: WebhookChange) -> Webhook:
        """Change what is named of a webhook."""
        return await change_webhook(view, wanted, self._engine)

    async def remove_webhook(self, webhook_id: WebhookId) -> None:
        """Remove a webhook."""
        await remove_webhook(webhook_id, self._engine)

    async def ping_webhook(self, hook: Webhook) -> Delivery:
        """Send a test event."""
        return await ping_webhook(hook, self._engine)

    async def tell_again(self, delivery_id: DeliveryId) -> Delivery:
        """Send a delivery again."""
        return await tell_again(delivery_id, self._engine)
