"""The newsletter in the newsroom."""

from newsletter.admin import deliveries, digests, rhythm, subscribers
from newsletter.events import admin as events
from newsletter.moving import admin as moving

__all__ = ["deliveries", "digests", "events", "moving", "rhythm", "subscribers"]
