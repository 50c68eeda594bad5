"""Bring a list of subscribers in from a file on the server."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from newsletter.models import ImportRun
from newsletter.moving import files, importing
from newsletter.moving.formats import ROLES, Layout, name_of, plain
from newsletter.moving.reading import CHUNK, UnreadableFileError


class Command(BaseCommand):
    """For operators: the same as the newsroom's page "Import a list"."""

    help = (
        "Imports subscribers from the CSV of another program or of ours. Without --consent it "
        "only says what would happen. Nobody is mailed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--consent",
            default="",
            metavar="WORDS",
            help="who attests, where the addresses come from, how their owners agreed",
        )
        parser.add_argument(
            "--with-topics",
            action="store_true",
            help="that consent covers the topics in the file's tags",
        )
        for role, meaning in ROLES.items():
            parser.add_argument(f"--{role}", metavar="HEADING", help=f"the column with {meaning}")
        parser.add_argument(
            "--day-first", action="store_true", help="dates are written as in 31/12/2025"
        )
        parser.add_argument(
            "--report", type=Path, help="where to write what happens to each row, as CSV"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._begin(options["file"])
        try:
            self._name_columns(run, options)
            self._check(run, options["report"])
            if options["consent"].strip():
                self._import(run, options)
            else:
                self.stdout.write("Nothing was stored. To import, say --consent.")
        finally:
            # What is being imported stays: a worker goes on with it if this was interrupted.
            importing.give_up(run)

    def _begin(self, path: Path) -> ImportRun:
        try:
            return importing.begin(_chunks(path), name=path.name, by=None, now=timezone.now())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        except UnreadableFileError as error:
            raise CommandError(f"{path}: {error}") from error

    def _name_columns(self, run: ImportRun, options: dict[str, Any]) -> None:
        if run.state != ImportRun.State.COLUMNS:
            return
        layout = importing.layout_of(run)
        named = {role: options[role] for role in ROLES if options[role]}
        columns = {role: _place(layout, heading) for role, heading in named.items()}
        headings = ", ".join(layout.sheet.headings)
        try:
            importing.name_columns(
                run, columns or dict(layout.columns), day_first=_day_first(layout, options)
            )
        except ValueError as error:
            text = f"{error} Name it by --address and so on. The headings are: {headings}"
            raise CommandError(text) from error
        read = importing.layout_of(run).columns
        found = ", ".join(
            f"{role} = {layout.sheet.headings[read[role]]}" for role in ROLES if role in read
        )
        self.stdout.write(f"A file of no program we know, read so: {found}")

    def _check(self, run: ImportRun, report: Path | None) -> None:
        _see_through(run, ImportRun.State.CHECKING)
        if run.state == ImportRun.State.FAILED:
            raise CommandError(run.reason)
        if report:
            try:
                report.write_bytes(files.report_of(run).read_bytes())
            except OSError as error:
                raise CommandError(f"{report} cannot be written: {error.strerror}") from error
        counts = importing.in_words(run.counts["checked"])
        self.stdout.write(f"{name_of(run.file_format)}: {counts}")

    def _import(self, run: ImportRun, options: dict[str, Any]) -> None:
        importing.attest(run, options["consent"], with_topics=options["with_topics"])
        _see_through(run, ImportRun.State.RUNNING)
        if run.state != ImportRun.State.DONE:
            raise CommandError(run.reason)
        self.stdout.write(f"Imported: {importing.in_words(run.counts['imported'])}")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _see_through(run: ImportRun, state: str) -> None:
    """Work on the run until it leaves this state; a worker may have it in hand meanwhile."""
    while run.state == state:
        importing.go_on(run.pk)
        run.refresh_from_db()
        if run.state == state:
            time.sleep(0.2)


def _place(layout: Layout, heading: str) -> int:
    headings = [plain(one) for one in layout.sheet.headings]
    if plain(heading) not in headings:
        known = ", ".join(layout.sheet.headings)
        raise CommandError(f"There is no column “{heading}”. The headings are: {known}")
    return headings.index(plain(heading))


def _day_first(layout: Layout, options: dict[str, Any]) -> bool:
    return bool(options["day_first"]) or layout.day_first
