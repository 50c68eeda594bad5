"""Let a site send that has a new address, or that takes the place of another."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from newsletter.home import move_in


class Command(BaseCommand):
    """`manage.py send_from_here`."""

    help = "Send letters from SITE_URL, though this database sent from another address before."

    def handle(self, *args: Any, **options: Any) -> None:
        before = move_in()
        done = f"Letters went out from {before} before." if before else "Nothing had to change."
        self.stdout.write(f"Letters go out from {settings.SITE_URL} now. {done}")
