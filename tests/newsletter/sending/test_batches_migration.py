"""The migration that cut batches: digests from before count the same and go on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from newsletter import delivering
from newsletter.models import Batch, Digest
from tests.newsletter.conftest import Mailer
from tests.newsletter.sending.workers import counted
from tests.newsletter.test_letters_are_rows import migrate

BEFORE = ("newsletter", "0009_subject_of_each_variant")
AFTER = ("newsletter", "0011_batches_of_digests")


@pytest.fixture
def old_apps(transactional_db: None) -> Iterator[Any]:
    """The models as they were; afterwards the newest again."""
    yield migrate(BEFORE)
    migrate(AFTER)


def old_digest(apps: Any, *states: str, **fields: Any) -> Any:
    """A digest as it stood with copies in these states."""
    now = timezone.now()
    model = apps.get_model
    period = {"covers_from_at": now - timedelta(weeks=1), "covers_to_at": now}
    digest = model("newsletter", "Digest").objects.create(
        **{"subject": "Rest", "audience": len(states), **period, **fields}
    )
    variant = model("newsletter", "Variant").objects.create(
        digest=digest, signature="all", html="<p>Rest</p>", text="Rest\n"
    )
    for number, state in enumerate(states):
        reader, _ = model("newsletter", "Subscriber").objects.get_or_create(
            email=f"reader{number}@readers.example", defaults={"joined_at": now}
        )
        model("newsletter", "Delivery").objects.create(
            digest=digest, subscriber=reader, variant=variant, state=state, not_before_at=now
        )
    return digest


def test_a_digest_on_its_way_goes_on(old_apps: Any, mailer: Mailer) -> None:
    states = ["sent", "queued", "claimed", "failed", "queued"]
    pk = old_digest(old_apps, *states, state="sending").pk
    migrate(AFTER)
    digest = Digest.objects.get(pk=pk)
    assert digest.counts() == {"sent": 1, "queued": 2, "unknown": 1, "failed": 1}
    assert counted(digest)
    assert "may have arrived" in digest.deliveries.get(state="unknown").reason
    delivering.deliver_round(pk)
    assert sorted(mailer.recipients) == ["reader1@readers.example", "reader4@readers.example"]
    assert Digest.objects.get(pk=pk).state == "done"


def test_a_digest_that_is_done_keeps_its_figures_and_waits_for_nothing(old_apps: Any) -> None:
    pk = old_digest(old_apps, "sent", "skipped", "sent", state="done").pk
    empty = old_digest(old_apps, state="done", kind="letter").pk
    migrate(AFTER)
    digest = Digest.objects.get(pk=pk)
    assert digest.counts() == {"sent": 2, "skipped": 1}
    assert digest.batches.get().state == "done"
    assert not Batch.objects.filter(digest=empty).exists()
