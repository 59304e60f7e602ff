"""The keys of which an event of the operator's tool requests a re-check."""

from typing import Any

import events


def keys_in(event: Any) -> list[str]:
    """The keys of an event, as the handler reads them; none of them may have an order."""
    notifications = [events.notification(item) for item in events.items(event)]
    assert all(notification.sequencer is None for notification in notifications)
    return [notification.key for notification in notifications]
