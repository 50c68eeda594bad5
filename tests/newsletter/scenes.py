"""What happens again and again in the tests of the newsletter."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import time_machine
from django.apps import apps
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter import answering, building
from newsletter.forms import form_stamp
from newsletter.letters import leave_url
from newsletter.models import Delivery, Digest, Subscriber
from newsletter.sending.batches import cut, last_copy, recount
from tests.factories import ArticleFactory, DigestFactory

SITE = "https://fibrosite.example"


def stamp_of(*, seconds_ago: float) -> str:
    """The stamp of a form that was rendered so long ago."""
    with time_machine.travel(timezone.now() - timedelta(seconds=seconds_ago), tick=False):
        return form_stamp()


def sign_up(client: Client, email: str, **fields: Any) -> Any:
    """Fill in the form at the foot of a page and press the button, as a script-less browser."""
    data = {"email": email, "place": "foot", "website": "", **fields}
    return client.post("/subscribe/", data)


def letters_to(address: str) -> list[EmailMessage]:
    """The letters that have gone to an address."""
    return [letter for letter in mail.outbox if letter.to == [address]]


def path_in(letter: EmailMessage, door: str) -> str:
    """The path of the link in a letter that leads to a door such as "confirm"."""
    found = re.search(rf"{SITE}(/{door}/\S+)", str(letter.body))
    assert found, letter.body
    return found[1]


def confirm_path(client: Client, email: str) -> str:
    """Sign up, let the letter be sent, and take the link out of it."""
    sign_up(client, email)
    answering.answer_waiting(now=timezone.now())
    return path_in(letters_to(email)[-1], "confirm")


def leave_path(subscriber: Subscriber) -> str:
    """The path of the subscriber's link to leave, as it stands in a digest."""
    return leave_url(subscriber).removeprefix(SITE)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, to see whether a request changed one."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
    }


def digest_to(*readers: Subscriber, **fields: Any) -> Digest:
    """A digest with one queued delivery for each reader."""
    digest = DigestFactory.create(audience=len(readers), **fields)
    past = timezone.now() - timedelta(seconds=1)
    variant = digest.variants.get()
    last = last_copy()
    for reader in readers:
        Delivery.objects.create(
            digest=digest, variant=variant, subscriber=reader, not_before_at=past
        )
    cut(digest, after=last, due_at=past)
    return digest


def built_digest(**article: Any) -> Digest:
    """A digest built of one new article for all who are subscribed."""
    ArticleFactory.create(**article)
    digest = building.build_digest(now=timezone.now())
    assert digest is not None
    return digest


def recounted(digest: Digest) -> None:
    """Let the batches count copies to which a test wrote by hand."""
    for batch in digest.batches.all():
        recount(batch)


def states(digest: Digest) -> list[str]:
    """What became of a digest's copies, in the order they were queued."""
    return list(digest.deliveries.order_by("pk").values_list("state", flat=True))


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at the same moment, each in a thread with its own connection; their results."""
    start = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=5)
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    errors = [result for result in results if isinstance(result, Exception)]
    if errors:
        raise errors[0]
    return results
