"""Let a site send that has a new address or machine, or that was restored from a backup."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from newsletter.home import home_file, move_in


class Command(BaseCommand):
    """`manage.py send_from_here`."""

    help = (
        "Send letters from this machine and SITE_URL, though this database sent from elsewhere, "
        "or was restored from a backup. Run it on each machine that sends."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            why = move_in()
        except OSError as error:
            raise CommandError(
                f"{home_file()} cannot be written ({error}). Run this as the user who runs the "
                f"workers, or set VAR_DIR to a folder of theirs. Nothing was changed."
            ) from error
        done = f"Until now it did not: {why}" if why else "Nothing had to change."
        self.stdout.write(f"Letters go out from {settings.SITE_URL} now. {done}")
