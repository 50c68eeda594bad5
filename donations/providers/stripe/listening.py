"""Which reports are Stripe's: those it signed, and its own list of them."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings

from donations.providers.facts import Forged, Notice
from donations.providers.reading import moment, text
from donations.providers.stripe.client import asking
from donations.providers.stripe.objects import plain
from donations.providers.stripe.telling import READERS

# Older signatures are refused: Stripe signs anew for each try.
TOLERANCE_SECONDS = 300


def verify(body: bytes, headers: dict[str, str]) -> Notice:
    """The report in a request, signed by one of our secrets within TOLERANCE_SECONDS."""
    import stripe  # noqa: PLC0415

    for secret in settings.STRIPE_WEBHOOK_SECRET:
        try:
            stripe.WebhookSignature.verify_header(
                body, headers.get("stripe-signature"), secret, TOLERANCE_SECONDS
            )
        except (stripe.SignatureVerificationError, ValueError):
            continue
        return _notice(body.decode())
    raise Forged("The signature does not fit, or is too old.")


def _notice(body: str) -> Notice:
    try:
        event = json.loads(body)
        name, kind = text(event, "id"), text(event, "type")
    except (ValueError, RecursionError) as error:
        raise Forged("This is no event.") from error
    if not name or not kind:
        raise Forged("This is no event.")
    return Notice(
        event_id=name[:255],
        type=kind[:100],
        livemode=event.get("livemode") is True,
        happened_at=moment(event.get("created")),
        body=body,
    )


def missed(since: datetime) -> list[Notice]:
    """Stripe's list of the events since then that mean something to us (kept for 30 days)."""
    asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    with asking() as api:
        rows = [plain(row) for row in api.v1.events.list(asked).auto_paging_iter()]
    wanted = [row for row in rows if row["type"] in READERS]
    # Oldest first, as they happened.
    return [_notice(json.dumps(row)) for row in reversed(wanted)]
