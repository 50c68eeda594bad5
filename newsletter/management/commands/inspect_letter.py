"""Check a digest as it arrived in a real inbox."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from newsletter.inspecting import faults


class Command(BaseCommand):
    """For operators: send a digest to yourself, save the raw letter, and name its file."""

    help = "Says which rules of bulk mail a received digest breaks, DKIM coverage included."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("letter", type=Path, help="the raw message, an .eml file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = faults(options["letter"].read_bytes())
        except OSError as error:
            raise CommandError(f"{options['letter']} cannot be read: {error.strerror}") from error
        if found:
            raise CommandError("\n".join(["The letter breaks these rules:", *found]))
        self.stdout.write("The letter keeps all rules.")
