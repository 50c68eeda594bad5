"""An open mailer for many letters, and what became of each."""

import logging
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend

from newsletter.models import Delivery
from newsletter.outcomes import HungUpEarly, Outcome, judge

logger = logging.getLogger(__name__)

# Work on an open mailer is cut into rounds of this length, so that no task runs for long.
ROUND_SECONDS = 10


# What keeps a mailer from being made or opened; smtplib's exceptions are OSErrors too.
NO_MAILER = (OSError, ImproperlyConfigured, ImportError, ValueError, AnymailError)


class NoMailerError(Exception):
    """There is no way to the mail server now."""


class Connection(smtplib.SMTP):
    """Tells a connection lost before a message from one lost while the server took it."""

    data_began = False

    def sendmail(self, *args: Any, **kwargs: Any) -> Any:
        self.data_began = False
        try:
            return super().sendmail(*args, **kwargs)
        except smtplib.SMTPServerDisconnected as error:
            if self.data_began:
                raise
            raise HungUpEarly(str(error)) from error

    def data(self, *args: Any, **kwargs: Any) -> Any:
        self.data_began = True
        return super().data(*args, **kwargs)


class EncryptedConnection(Connection, smtplib.SMTP_SSL):
    """The same, encrypted from its start."""


class SmtpBackend(smtp.EmailBackend):
    """Django's, over connections that tell how far they came."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return EncryptedConnection if self.use_ssl else Connection


def new_mailer() -> BaseEmailBackend:
    """What EMAIL_BACKEND names; over connections that tell how far they came, if that is SMTP."""
    mailer = get_connection()
    return SmtpBackend() if type(mailer) is smtp.EmailBackend else mailer


@contextmanager
def open_mailer() -> Iterator[BaseEmailBackend | None]:
    """One connection, kept for many letters; None if there is none to be had now."""
    try:
        mailer = new_mailer()
        mailer.open()
    except NO_MAILER as error:
        logger.warning("Letters wait: there is no way to the mail server (%s)", error)
        yield None
        return
    try:
        yield mailer
    finally:
        close(mailer)


def close(mailer: BaseEmailBackend) -> None:
    """Close it, also if the server was quicker."""
    try:
        mailer.close()
    except OSError:
        logger.info("The mail server had already hung up")


def hand_over(letter: EmailMessage, mailer: BaseEmailBackend) -> Outcome:
    """Give one letter to the mail server. Never raises; what went wrong is in the outcome.

    Where MAIL_ONLY_TO names some addresses or @domains, nobody else gets a letter.
    """
    if not all(may_get_mail(address) for address in letter.to):
        return Outcome(Delivery.State.FAILED, "MAIL_ONLY_TO keeps letters from this address")
    try:
        taken = mailer.send_messages([letter])
    except Exception as error:
        return judge(error)
    if taken:
        return Outcome(Delivery.State.SENT, "")
    return Outcome(Delivery.State.FAILED, "the mailer took nothing")


def may_get_mail(address: str) -> bool:
    """Whether MAIL_ONLY_TO lets letters go to this address (mail rule R69)."""
    allowed = {one.lower() for one in settings.MAIL_ONLY_TO}
    address = address.lower()
    return not allowed or address in allowed or f"@{address.rpartition('@')[2]}" in allowed
