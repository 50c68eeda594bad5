"""Crossref and PubMed on this machine: a real server that answers what a test lays out."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from research.sources import fetching

DATA = Path(__file__).parents[1] / "data" / "bibliography"
WORKS: dict[str, dict[str, Any]] = {
    item["record"]["DOI"]: item["record"]
    for item in json.loads((DATA / "crossref-works.json").read_text(encoding="utf-8"))
}
PAIN_SCORE = "10.1155/2021/6695741"
PESTICIDES = "10.1136/oemed-2017-104431"
PESTICIDES_PMID = "28775130"

Answer = Callable[[BaseHTTPRequestHandler], None]


def pubmed_xml(pmid: str) -> str:
    """The recorded answer of efetch for a PMID."""
    return (DATA / f"pubmed-{pmid}.xml").read_text(encoding="utf-8")


def works(doi: str, **changes: Any) -> Answer:
    """Crossref's recorded answer for a DOI, with some fields changed."""
    return sends(json.dumps({"status": "ok", "message": {**WORKS[doi], **changes}}))


def sends(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    """This body, with these headers (`Retry_After` is Retry-After)."""
    content = body if isinstance(body, bytes) else body.encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    """Not a word."""
    request.connection.close()


def breaks_off(request: BaseHTTPRequestHandler) -> None:
    """The first half, then nothing more."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"message": {"DOI": "10.')


def drips(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for longer than anybody waits."""
    request.send_response(200)
    request.end_headers()
    for _ in range(40):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.05)


def sleeps(request: BaseHTTPRequestHandler) -> None:
    """Nothing, for longer than anybody waits."""
    time.sleep(2)


class Registers:
    """The running server: what it answers next, and what it was asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        self.introductions: list[str] = []

    def will(self, *answers: Answer) -> None:
        """Answer so, one after the other; the last one stays."""
        self.answers = list(answers)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(unquote(request.path))
        self.introductions.append(request.headers["User-Agent"])
        chosen = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        chosen(request)


@contextmanager
def running() -> Iterator[Registers]:
    """A server on a free port, stopped at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                asked.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        asked = Registers(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


@pytest.fixture
def registers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registers]:
    """The registers, asked by a site that has little patience."""
    monkeypatch.setattr(fetching, "SECONDS", 0.6)
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    with running() as server:
        settings.CROSSREF_URL = settings.PUBMED_URL = server.address
        yield server
