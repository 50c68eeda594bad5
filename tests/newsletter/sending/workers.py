"""Workers that take up a batch, hand over some of it, and die or come back."""

import uuid
from pathlib import Path

from django.utils import timezone

from newsletter.models import Batch, Digest
from newsletter.outcomes import Outcome
from newsletter.sending import batches, journal
from newsletter.sending.journal import Journal
from newsletter.sending.load import Copy, Load
from newsletter.sending.pacing import Pace

SENT = Outcome("sent", "")  # type: ignore[arg-type]


def worker_of(digest: Digest) -> Load:
    """A worker that has just taken up the next batch of a digest."""
    notes = Journal(uuid.uuid4().hex, batches.BATCH_ROWS)
    batch = batches.lease(digest.pk, token=notes.token, now=timezone.now())
    assert batch is not None
    return Load(batch, notes, Pace())


def hands_over(load: Load, *, accepted: int = 0, begun: int = 0) -> list[Copy]:
    """The worker hands over so many copies; of those only `begun` it never hears again."""
    copies = []
    for number in range(accepted + begun):
        copy = load.take()
        assert copy is not None
        load.begin(copy)
        if number < accepted:
            load.settle(copy, SENT)
        copies.append(copy)
    return copies


def dies(load: Load) -> Path:
    """Nobody holds the journal any more; where it lies."""
    load.notes.close(keep=True)
    return load.notes.path


def leave_the_machine(path: Path) -> Path:
    """The journal is out of sight, as if its machine were off; where it is meanwhile."""
    return path.rename(path.with_suffix(".away"))


def come_back(path: Path) -> None:
    """The machine is on again."""
    path.rename(path.with_suffix(".journal"))


def journals() -> list[Path]:
    """All files of all journals."""
    return sorted(journal.folder().iterdir())


def counted(digest: Digest) -> bool:
    """Whether the sums of the batches are those of the rows, and the rows are the audience."""
    found: dict[str, int] = {}
    for state in digest.deliveries.order_by().values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return digest.counts() == found and sum(found.values()) == digest.audience


def only_batch() -> Batch:
    """The one batch there is, as it is now."""
    return Batch.objects.select_related("digest").get()
