"""An open mailer for many letters, and what became of each."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from newsletter.models import Delivery
from newsletter.outcomes import Outcome, judge

logger = logging.getLogger(__name__)

# Work on an open mailer is cut into rounds of this length, so that no task runs for long.
ROUND_SECONDS = 10


@contextmanager
def open_mailer() -> Iterator[BaseEmailBackend | None]:
    """One connection, kept for many letters; None if the mail server does not answer."""
    mailer = get_connection()
    try:
        mailer.open()
    except OSError as error:  # smtplib's exceptions are OSErrors too
        logger.warning("Letters wait: the mail server does not answer (%s)", error)
        yield None
        return
    try:
        yield mailer
    finally:
        _close(mailer)


def _close(mailer: BaseEmailBackend) -> None:
    try:
        mailer.close()
    except OSError:
        logger.info("The mail server had already hung up")


def hand_over(letter: EmailMessage, mailer: BaseEmailBackend) -> Outcome:
    """Give one letter to the mail server. Never raises; what went wrong is in the outcome."""
    try:
        taken = mailer.send_messages([letter])
    except Exception as error:
        return judge(error)
    if taken:
        return Outcome(Delivery.State.SENT, "")
    return Outcome(Delivery.State.FAILED, "the mailer took nothing")
