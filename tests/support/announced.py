"""What an event that the operator's tool sends announces."""

from typing import Any

import events


def keys_in(event: Any) -> list[str]:
    """The keys of an event, as the handler reads them; none of them may have an order."""
    announcements = [events.notification(item) for item in events.items(event)]
    assert all(announcement.sequencer is None for announcement in announcements)
    return [announcement.key for announcement in announcements]
