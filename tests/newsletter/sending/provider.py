"""A provider's API on a real port: it keeps what it is asked, answers as told, and merges."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Call:
    """One call as it came in; a form's fields are lists."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Got:
    """What one reader finds in the mailbox."""

    to: str
    headers: dict[str, str]
    subject: str
    text: str
    html: str


@dataclass
class Provider:
    """Keeps the calls; `answers` takes one and says what is answered: status and JSON."""

    answers: Callable[[Call], tuple[int, Any]]
    calls: list[Call] = field(default_factory=list)
    # Headers of the answers.
    says: dict[str, str] = field(default_factory=dict)
    url: str = ""
    # Set while the provider answers nothing.
    silence: threading.Event | None = None


@contextmanager
def listening(provider: Provider) -> Iterator[None]:
    """Serve on a free port of the loopback; `provider.url` says where."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_json = "json" in self.headers["Content-Type"]
            body = json.loads(raw) if is_json else parse_qs(raw, keep_blank_values=True)
            call = Call(self.path, dict(self.headers), body)
            provider.calls.append(call)
            if provider.silence:
                provider.silence.wait(10)
                return
            status, answer = provider.answers(call)
            words = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in provider.says.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *args: Any) -> None:
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield
    finally:
        if provider.silence:
            provider.silence.set()
        server.shutdown()
        server.server_close()
        thread.join()


# What each provider makes of a call, by its reference.


def mailgun(call: Call) -> list[Got]:
    body = call.body
    values = json.loads(body.get("recipient-variables", ["null"])[0])
    found = []
    for to in body["to"]:

        def merged(words: str, to: str = to) -> str:
            if values is None:
                return words
            return re.sub(r"%recipient\.([^%]+)%", lambda slot: str(values[to][slot[1]]), words)

        headers = {key[2:]: merged(value[0]) for key, value in body.items() if key[:2] == "h:"}
        parts = (merged(body.get(name, [""])[0]) for name in ("subject", "text", "html"))
        found.append(Got(to, headers, *parts))
    return found


def sendgrid(call: Call) -> list[Got]:
    body = call.body
    parts = {one["type"]: one["value"] for one in body["content"]}
    found = []
    for one in body["personalizations"]:
        (to,) = one["to"]
        slots = one.get("substitutions", {})

        def merged(words: str, slots: dict[str, str] = slots) -> str:
            for slot, value in slots.items():
                words = words.replace(slot, value)
            return words

        headers = body.get("headers", {}) | one.get("headers", {})
        words = (body["subject"], parts["text/plain"], parts.get("text/html", ""))
        found.append(Got(to["email"], headers, *map(merged, words)))
    return found


def _curly(words: str, slot: str, values: dict[str, str]) -> str:
    macros = {"opening_double_curly()": "{{", "closing_double_curly()": "}}"}
    return re.sub(r"{{" + slot + r"([\w()]+)}}", lambda found: (macros | values)[found[1]], words)


def sparkpost(call: Call) -> list[Got]:
    content = call.body["content"]
    found = []
    for one in call.body["recipients"]:
        values = one.get("substitution_data", {})
        headers = {k: _curly(v, "", values) for k, v in content.get("headers", {}).items()}
        words = (content["subject"], content["text"], content.get("html", ""))
        merged = (_curly(part, "", values) for part in words)
        assert one["address"]["header_to"] == one["address"]["email"]
        found.append(Got(one["address"]["email"], headers, *merged))
    return found


def mailjet(call: Call) -> list[Got]:
    shared = call.body["Globals"]
    found = []
    for one in call.body["Messages"]:
        message = shared | one
        (to,) = message["To"]
        words = [message["Subject"], message["TextPart"], message.get("HTMLPart", "")]
        if message.get("TemplateLanguage"):
            words = [_curly(part, "var:", message["Variables"]) for part in words]
        found.append(Got(to["Email"], message["Headers"], *words))
    return found


def brevo(call: Call) -> list[Got]:
    body = call.body
    found = []
    for one in body.get("messageVersions", [{}]):
        message = body | one
        (to,) = message["to"]
        words = (message["subject"], message["textContent"], message.get("htmlContent", ""))
        merged = (_curly(part, "params.", message.get("params", {})) for part in words)
        found.append(Got(to["email"], message["headers"], *merged))
    return found


def postmark(call: Call) -> list[Got]:
    body = call.body
    headers = {one["Name"]: one["Value"] for one in body["Headers"]}
    return [Got(body["To"], headers, body["Subject"], body["TextBody"], body.get("HtmlBody", ""))]


def resend(call: Call) -> list[Got]:
    body = call.body
    (to,) = body["to"]
    return [Got(to, body["headers"], body["subject"], body["text"], body.get("html", ""))]
