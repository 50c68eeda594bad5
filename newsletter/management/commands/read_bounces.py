"""Read the bounce mailbox now."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from newsletter.events.mailbox import MailboxError, read_mailbox


class Command(BaseCommand):
    """For operators: the scheduler does the same every five minutes."""

    help = "Reads returned mail and complaints from BOUNCE_MAILBOX."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = read_mailbox(now=timezone.now())
        except (MailboxError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        if counts is None:
            raise CommandError("BOUNCE_MAILBOX is not set: there is no mailbox to read.")
        self.stdout.write(f"Mails: {counts}.")
