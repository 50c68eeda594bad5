"""Bring the file of a reference manager into the library."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError
from django.db import IntegrityError

from research.importing import UnreadableFileError, Verdict, carry_out, decode, plan


class Command(BaseCommand):
    """For operators: the same as the newsroom's page "Import a file"."""

    help = "Imports studies from a BibTeX, RIS or CSL-JSON file: all that are new, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file, up to 2 MB")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            planned = plan(decode(options["file"].read_bytes()))
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}") from error
        except UnreadableFileError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        for row in planned.rows:
            title = row.entry.record.title if row.entry.record else row.entry.label
            why = f": {row.problem}" if row.verdict == Verdict.UNREADABLE else ""
            lost = f" (not kept: {', '.join(row.entry.not_kept)})" if row.entry.not_kept else ""
            self.stdout.write(f"{row.entry.at}: {row.verdict}{why}: {title}{lost}")
        if options["dry_run"]:
            self.stdout.write(f"{planned}. Nothing was stored.")
            return
        try:
            made = carry_out(planned)
        except (ValidationError, IntegrityError) as error:
            raise CommandError(f"Nothing was imported: {error}") from error
        self.stdout.write(f"{planned}. Imported: {len(made)}.")
