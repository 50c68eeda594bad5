"""Write our list into a file that another site, or this one, reads back without loss."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from newsletter.moving import exporting


class Command(BaseCommand):
    """For operators: the same as the newsroom's page "Export the list"."""

    help = (
        "Writes all subscribers, or with --suppressions the hashes of addresses never to mail, "
        "as CSV. The file is new and only its owner can read it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that does not exist yet")
        parser.add_argument("--suppressions", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        path, which = options["file"], options["suppressions"]
        lines = exporting.suppressions() if which else exporting.subscribers()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        with open(handle, "w", encoding="utf-8", newline="") as file:
            # The mark of UTF-8 and the headings are no rows.
            rows = sum(1 for line in lines if file.write(line)) - 2
        self.stdout.write(f"{rows} rows written to {path}.")
