"""One letter after the other, through any e-mail backend that Django knows."""

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from newsletter.letters import digest_letter
from newsletter.mailing import hand_over
from newsletter.models import Delivery, Subscriber
from newsletter.outcomes import Outcome
from newsletter.sending.load import GONE, Copy, Load

State = Delivery.State


class Singly:
    """Whether a reader still wants it is read right before each hand-over."""

    def __init__(self, mailer: BaseEmailBackend) -> None:
        self._mailer = mailer

    def carry(self, load: Load) -> None:
        """Hand over one copy after the other until the load is over."""
        while not load.is_over:
            copy = load.take()
            if copy is None:
                load.rest()
            else:
                self._send(copy, load)
            load.look_up()

    def _send(self, copy: Copy, load: Load) -> None:
        now = timezone.now()
        reader = Subscriber.objects.reachable(now).filter(deliveries=copy.pk).first()
        if reader is None:
            load.settle(copy, Outcome(State.SKIPPED, GONE))
            return
        letter = digest_letter(load.digest, load.variants[copy.variant], _row(copy, load), reader)
        load.begin(copy)
        outcome = hand_over(letter, self._mailer)
        copy.provider_id = _provider_id(letter)
        load.settle(copy, outcome)


def _row(copy: Copy, load: Load) -> Delivery:
    """The copy's row with the corrections that the load has read, as if they were prefetched."""
    row = Delivery(pk=copy.pk)
    lines = [load.corrections[pk] for pk in copy.corrections]
    row._prefetched_objects_cache = {"corrections": lines}  # type: ignore[attr-defined]
    return row


def _provider_id(letter: EmailMessage) -> str:
    """The provider's own name for a letter handed over by Anymail; "" for any other."""
    name = getattr(getattr(letter, "anymail_status", None), "message_id", None)
    return name[:200] if isinstance(name, str) else ""
