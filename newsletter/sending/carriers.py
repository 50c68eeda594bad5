"""Which way a digest goes to the mail server: by what the configured e-mail backend can do."""

from collections.abc import Iterator
from contextlib import contextmanager

from anymail.backends.base import AnymailBaseBackend

from newsletter.mailing import NO_MAILER, NoMailerError, SmtpBackend, close, new_mailer
from newsletter.sending.load import Carrier
from newsletter.sending.pipelining import Pipelined
from newsletter.sending.providers import ThroughProvider
from newsletter.sending.singly import Singly


@contextmanager
def open_carrier() -> Iterator[Carrier]:
    """The carrier for EMAIL_BACKEND. Raises NoMailerError if there is none to be had.

    SMTP: many connections, pipelined. Anymail: through the provider's API. Any other backend,
    and subclasses of Django's that may do something of their own: one letter after the other.
    """
    try:
        mailer = new_mailer()
        if not isinstance(mailer, SmtpBackend | AnymailBaseBackend):
            mailer.open()
    except NO_MAILER as error:
        raise NoMailerError(str(error)) from error
    if isinstance(mailer, SmtpBackend):
        yield Pipelined()
    elif isinstance(mailer, AnymailBaseBackend):
        yield ThroughProvider(mailer)
    else:
        try:
            yield Singly(mailer)
        finally:
            close(mailer)
