"""Make the database and the demo's content, once."""

import json
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from fibrosite.demo.documents import ContentError
from fibrosite.demo.loading import EDITOR, EDITOR_PASSWORD, load


class Command(BaseCommand):
    """Used by `make run` before the site starts."""

    help = "Migrates the database and loads the demo's content if it was never loaded."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        try:
            is_new = load()
        except ContentError as error:
            raise CommandError(f"The demo's content does not fit. {error}") from error
        if is_new:
            self.stdout.write("The demo's articles, drives and subscribers are in.")
        login = {"username": EDITOR, "password": EDITOR_PASSWORD}
        (settings.VAR_DIR / "demo-login.json").write_text(json.dumps(login))
