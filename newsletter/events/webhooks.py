"""The door for providers' reports: Anymail checks and reads them, we store them and answer."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from functools import cache
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, tracking
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from fibrosite.lib.queueing import enqueue
from newsletter.events import recording
from newsletter.events.providers import PROVIDERS, kind_of, refused_because
from newsletter.events.tasks import handle_events
from newsletter.letters import mail_domain
from newsletter.models import Delivery, MailEvent

logger = logging.getLogger(__name__)

# What Anymail raises on a body that is not what the provider sends. A fault of ours, such as a
# database that is away, is none of these: the provider gets a 5xx and comes again.
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    AnymailError,
    # An inbound route that was pointed at this address.
    ImproperlyConfigured,
)


# As letters.digest_letter writes it; the numbers are short enough for any database.
_MESSAGE_ID = re.compile(
    r"digest\.(?P<digest>\d{1,18})\.(?P<delivery>\d{1,18})@(?P<domain>[\w.-]+)"
)


@csrf_exempt
def webhook(request: HttpRequest, provider: str) -> HttpResponseBase:
    """One provider's reports (mail rule R50).

    404 while no secret or key of this provider is set: a door that cannot be checked is none.
    """
    known = PROVIDERS.get(provider)
    if known is None or not known.is_secured or known.lacks:
        raise Http404
    return _guarded(provider).as_view()(request)


@cache
def _guarded(provider: str) -> Any:
    """Anymail's view of a provider, which answers 400 to what it cannot read, too."""
    view: Any = PROVIDERS[provider].view

    class Guarded(view):
        def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Providers post hundreds of events at once: one commit, and one task for all.
            self.reports: list[AnymailTrackingEvent] = []
            with ExitStack() as self.stored:
                response = super().post(request, *args, **kwargs)
            kept = [event.row_id for event in self.reports if hasattr(event, "row_id")]
            if kept:
                enqueue(handle_events, kept)
            return response

        def run_validators(self, request: HttpRequest) -> None:
            with _refusing():
                super().run_validators(request)

        def parse_events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
            with _refusing():
                self.reports = super().parse_events(request)
            # Only now: a forged post does not touch the database.
            self.stored.enter_context(transaction.atomic())
            return self.reports

    return Guarded


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except SuspiciousOperation:
        raise
    except _UNREADABLE as error:
        raise AnymailWebhookValidationFailure(f"unreadable: {type(error).__name__}") from error


@receiver(tracking, dispatch_uid="newsletter.events")
def on_report(event: AnymailTrackingEvent, esp_name: str, **kwargs: Any) -> None:
    """Store one report of a provider, once; the row's number is left on the report."""
    now = timezone.now()
    kind = kind_of(event, esp_name)
    if kind is None:
        return
    row = recording.keep(_report(event, esp_name, kind), now=now)
    if row is not None:
        event.row_id = row.pk


def _report(event: AnymailTrackingEvent, provider: str, kind: MailEvent.Kind) -> recording.Report:
    happened_at = event.timestamp or timezone.now()
    if timezone.is_naive(happened_at):
        happened_at = timezone.make_aware(happened_at, UTC)
    recipient = _clean(event.recipient).strip()
    known_by = event.event_id or f"{event.message_id} {event.timestamp}"
    words = f"{_clean(event.mta_response)} {_clean(event.description)}"
    return recording.Report(
        provider=provider,
        kind=kind,
        # One event may tell of several recipients, each a report of its own.
        event_id=recording.identity(known_by, recipient, event.event_type),
        happened_at=happened_at,
        recipient=recipient,
        delivery=_delivery(event, recipient),
        detail={
            "id": _clean(event.event_id),
            "because": refused_because(event, provider),
            "words": recording.without_addresses(words),
        },
    )


def _clean(value: Any) -> str:
    """Text that every database stores; "" for what is no text."""
    text = value if isinstance(value, str) else ""
    return text.replace("\0", "").encode(errors="replace").decode()


def _delivery(event: AnymailTrackingEvent, recipient: str) -> Delivery | None:
    """The copy a report is about, by the provider's name for it or by our own Message-ID."""
    copies = Delivery.objects.select_related("subscriber")
    name = _clean(event.message_id)
    copy = _named(copies, name, recipient) if name else None
    named = _MESSAGE_ID.search(f"{name} {_as_text(event.esp_event)}")
    if copy is None and named and named["domain"].lower() == mail_domain():
        copy = copies.filter(pk=int(named["delivery"]), digest=int(named["digest"])).first()
    return copy if copy and _went_to(copy, recipient) else None


def _named(copies: QuerySet[Delivery], name: str, recipient: str) -> Delivery | None:
    """The copy with the provider's name; some name a call for many readers, not each message."""
    named = copies.filter(provider_id=name)
    only = named[:2]
    if len(only) == 1:
        return only[0]
    return named.filter(subscriber__email__iexact=recipient).first()


def _as_text(fields: Any) -> str:
    """All that the provider sent: some name our Message-ID deep inside only."""
    return json.dumps(fields, default=str)


def _went_to(copy: Delivery, recipient: str) -> bool:
    reader = copy.subscriber
    return reader is None or not recipient or reader.email.lower() == recipient.lower()
