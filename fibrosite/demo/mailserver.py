"""The demo's mail server: takes every letter and keeps it as a file. No letter leaves the machine.

python -m fibrosite.demo.mailserver --port 2525 --folder var/mail
"""

import argparse
import asyncio
import signal
import time
from collections import deque
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
MOST_BYTES = 30_000_000
MOST_LETTERS = 20_000


class Post(SMTP):
    """Takes letters with lines of any length: it is not for a test mailbox to refuse them."""

    line_length_limit = MOST_BYTES


class Folder:
    """Keeps the newest letters, one file each, as a mailbox does: the envelope first.

    A letter's id is the time of its arrival in nanoseconds, so names sort as the letters came.
    """

    def __init__(self, path: Path, most: int = MOST_LETTERS) -> None:
        self.path = path
        self.most = most
        stems = (file.stem for file in path.glob("*.eml"))
        self.ids = deque(sorted(int(stem) for stem in stems if stem.isdecimal()))

    def keep(self, letter: bytes) -> None:
        """Store one letter; it is there whole or not at all. Raises OSError where it cannot be."""
        new = max(time.time_ns(), self.ids[-1] + 1 if self.ids else 0)
        unfinished = self.path / f"{new}.part"
        self.path.mkdir(parents=True, exist_ok=True)  # somebody may have emptied the mailbox
        try:
            unfinished.write_bytes(letter)
            unfinished.rename(self.file(new))
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        self.ids.append(new)
        if len(self.ids) > self.most:
            self.file(self.ids.popleft()).unlink(missing_ok=True)

    def file(self, number: int) -> Path:
        return self.path / f"{number:019d}.eml"


class Receiver:
    """What aiosmtpd calls for each letter."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        try:
            self.folder.keep(envelope_lines(envelope) + (envelope.original_content or b""))
        except OSError as error:
            # The sender tries again later; the other letters are safe.
            print(f"could not keep a letter: {error}", flush=True)
            return "452 4.3.1 Cannot keep this letter now, try again later"
        return "250 2.0.0 Kept"


def envelope_lines(envelope: Envelope) -> bytes:
    """Who sent it and to whom, which the letter itself need not say."""
    lines = [f"X-Envelope-From: {envelope.mail_from}"]
    lines += [f"X-Envelope-To: {recipient}" for recipient in envelope.rcpt_tos]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")


async def serve(port: int, folder: Folder) -> None:
    """Take letters until a TERM (or Ctrl-C) comes."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    receiver = Receiver(folder)
    server = await loop.create_server(lambda: conversation(receiver), HOST, port)
    print(f"takes letters on {HOST}:{port}", flush=True)
    await end.wait()
    server.close()


def conversation(receiver: Receiver) -> Post:
    # The name is given because finding one's own can mean asking a slow DNS server, each time.
    return Post(
        receiver,
        data_size_limit=MOST_BYTES,
        enable_SMTPUTF8=True,
        hostname="localhost",
        ident="Fibrosite demo",
        loop=asyncio.get_running_loop(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, Folder(options.folder)))


if __name__ == "__main__":
    main()
