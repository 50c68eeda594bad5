from typing import Any

from django.core.management.base import BaseCommand, CommandError

from donations.models import DriveTotal, LedgerEntry
from donations.proving import differences


class Command(BaseCommand):
    """Prove the running totals."""

    help = "Compare each running total with the sum of the entries; fails if one differs."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(differences())
        for sentence in found:
            self.stderr.write(sentence)
        if found:
            raise CommandError(f"{len(found)} differences. Nothing was changed.")
        entries, totals = LedgerEntry.objects.count(), DriveTotal.objects.count()
        self.stdout.write(f"{entries} entries, {totals} totals: all agree.")
