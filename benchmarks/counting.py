"""The site's Celery application, with a count of the statements that its workers send.

For measurements alone: `celery -A benchmarks.counting worker`. Each process keeps its count, as
eight bytes, in a file of its own in the folder that STATEMENTS names.
"""

import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created

from fibrosite.celery import app

__all__ = ["app"]

FOLDER = Path(os.environ["STATEMENTS"])
NUMBER = struct.Struct("Q")


class Count:
    """The statements of this process; a forked child begins its own."""

    def __init__(self) -> None:
        self.pid, self.number = 0, 0
        self.page: mmap.mmap | None = None

    def add(self) -> None:
        """One more."""
        if self.page is None or self.pid != os.getpid():
            self.pid, self.number = os.getpid(), 0
            path = FOLDER / str(self.pid)
            path.write_bytes(bytes(NUMBER.size))
            with path.open("r+b") as file:
                self.page = mmap.mmap(file.fileno(), NUMBER.size)
        self.number += 1
        NUMBER.pack_into(self.page, 0, self.number)


COUNT = Count()


def _counted(execute: Callable[..., Any], *arguments: Any) -> Any:
    COUNT.add()
    return execute(*arguments)


def _watch(connection: Any, **_: Any) -> None:
    # Once, however often the same connection is opened again.
    if _counted not in connection.execute_wrappers:
        connection.execute_wrappers.append(_counted)


connection_created.connect(_watch, dispatch_uid="count statements")


def read(folder: Path) -> int:
    """The statements of all processes until now."""
    return sum(NUMBER.unpack(path.read_bytes())[0] for path in folder.iterdir())
