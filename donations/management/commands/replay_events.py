"""Handle stored payment events again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q
from django.utils import timezone

from donations.models import PaymentEvent
from donations.providers.acting import handle_all

State = PaymentEvent.State


class Command(BaseCommand):
    """Nothing is booked twice: what stands in the ledger already stays as it is."""

    help = "Handle stored payment events again: those that wait or failed, or all (--all)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="also those that were handled")
        parser.add_argument("--provider", choices=["stripe", "paypal"])
        parser.add_argument("--event", help="one event, by the provider's id")

    def handle(self, *args: Any, **options: Any) -> None:
        events = PaymentEvent.objects.exclude(state=State.REFUSED)
        if options["provider"]:
            events = events.filter(provider=options["provider"])
        if options["event"]:
            events = events.filter(event_id=options["event"])
        if not options["all"] and not options["event"]:
            # What failed for too long counts as handled: it is tried no more by itself.
            events = events.filter(Q(handled_at=None) | Q(state=State.FAILED))
        names = list(events.order_by("happened_at", "pk").values_list("pk", flat=True))
        events.filter(pk__in=names).update(handled_at=None)
        handle_all(names, now=timezone.now())
        self._report(names)

    def _report(self, names: list[int]) -> None:
        rows = PaymentEvent.objects.filter(pk__in=names)
        counts = [(state.label, rows.filter(state=state).count()) for state in State]
        told = ", ".join(f"{count} {label.lower()}" for label, count in counts if count)
        self.stdout.write(f"{len(names)} events: {told or 'nothing to do'}.")
