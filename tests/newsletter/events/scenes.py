"""What happens again and again in the tests of reports."""

import json
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from newsletter.events import recording
from newsletter.models import Delivery, Digest, MailEvent, Subscriber
from newsletter.sending.batches import cut, last_copy, recount
from tests.factories import NOON

Kind = MailEvent.Kind
State = Delivery.State
SECRET = "hooks:a long and random password"

_weeks = count()


def digest(**fields: Any) -> Digest:
    """A digest on its way."""
    start = NOON + timedelta(weeks=next(_weeks))
    period = {"covers_from_at": start, "covers_to_at": start + timedelta(weeks=1)}
    return Digest.objects.create(**{"subject": "What slow tapping shows", **period, **fields})


def copy_to(reader: Subscriber, of: Digest | None = None, **fields: Any) -> Delivery:
    """A copy that was handed over just now."""
    now = timezone.now()
    times = {"not_before_at": now, "settled_at": now}
    last = last_copy()
    copy = Delivery.objects.create(
        digest=of or digest(), subscriber=reader, **{"state": State.SENT, **times, **fields}
    )
    cut(copy.digest, after=last, due_at=now)
    recounted(copy)
    return copy


def recounted(copy: Delivery) -> None:
    """Let its batch count it, after a test wrote to it by hand."""
    recount(copy.digest.batches.holding(copy.pk, copy.digest_id).get())


def refused(reader: Subscriber, reason: str, **fields: Any) -> Delivery:
    """A copy that the mail server refused for good just now, and what settling makes of it."""
    copy = copy_to(reader, state=State.FAILED, reason=reason, **fields)
    recording.keep_refusals([copy.pk], now=timezone.now())
    return copy


def report(kind: str, copy: Delivery | None = None, **fields: Any) -> recording.Report:
    """A provider's report about one copy, the reader's address named as it is now."""
    now = timezone.now()
    reader = copy.subscriber if copy else None
    known = {
        "provider": "Postmark",
        "kind": Kind(kind),
        "event_id": recording.identity(kind, copy and copy.pk, fields),
        "happened_at": now,
        "recipient": reader.email if reader else "",
        "delivery": copy,
    }
    return recording.Report(**{**known, **fields})


def told(*reports: recording.Report) -> None:
    """Reports that come in and are handled, in this order."""
    for one in reports:
        row = recording.keep(one, now=timezone.now())
        if row is not None:
            recording.handle(row.pk, now=timezone.now())


def recorded_requests() -> list[dict[str, Any]]:
    """Requests of providers as Anymail's tests make them."""
    path = Path(__file__).parents[2] / "data" / "webhooks" / "anymail-sample.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def name_of(recorded: dict[str, Any]) -> str:
    """Such as "brevo test_hard_bounce"."""
    esp = recorded["esp"].removeprefix("test_").removesuffix("_webhooks.py")
    return f"{esp} {recorded['test']}"


def post(client: Client, provider: str, body: Any, **headers: Any) -> Any:
    """Post to a provider's hook as the provider does."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(
        f"/hooks/mail/{provider}/", content, content_type="application/json", **headers
    )
