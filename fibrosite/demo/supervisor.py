"""`make run`: web, worker, scheduler, mail and payments as one program. Standard library only.

It imports neither Django nor Celery, so that watching over them costs next to nothing.
"""

import errno
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from fibrosite.demo.crew import POLL_SECONDS, Crew, Stopped
from fibrosite.demo.processes import MARK, Child, Terminal, end_leftovers, end_with_parent

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
# One line a request: granian's own line repeats host, protocol and the year.
ACCESS_LINE = "%(method)s %(path)s %(status)d %(dt_ms).0f ms"
CELERY = ["-m", "celery", "-A", "fibrosite", "--quiet"]
BANNER = """
Fibrosite is running, {seconds:.1f} s after its start.

  Site       {site}/
  Subscribe  {site}/subscribe/
  Mailbox    {site}/mailbox/   every letter the site sends lands here
  Admin      {site}/admin/{login}

Ctrl-C stops everything.
"""


class Demo:
    """The site as processes: what they are called, how they start, in which order they stop."""

    def __init__(self, port: int, var_dir: Path, terminal: Terminal) -> None:
        self.port = port
        self.var_dir = var_dir
        self.terminal = terminal
        self.crew = Crew(terminal)
        self.question: socket.socket | None = None
        self.answered = False
        self.started_at = time.monotonic()
        mail_port = free_port()
        pay_port = free_port()
        self.environment = environment(port, mail_port, pay_port, var_dir)
        self.payments = self._child("payments", *payments_command(port, pay_port, var_dir))
        self.mail = self._child("mail", *mail_command(mail_port, var_dir))
        self.prepare = self._child("prepare", "manage.py", "prepare_demo", once=True)
        # A TERM, because granian takes its worker along only when it ends in good order.
        self.web = self._child("web", *web_command(port), vital=True, orphaned=signal.SIGTERM)
        self.worker = self._child("worker", *worker_command())
        self.schedule = self._child("schedule", *schedule_command())

    def _child(self, name: str, *arguments: str, **nature: Any) -> Child:
        command = [sys.executable, *arguments]
        return Child(name, command, self.environment, self.terminal, **nature)

    def run(self) -> str:
        """Run until it is time to stop; then leave nothing running, and say what went wrong."""
        try:
            self._start()
            while True:
                self.crew.step()
        except Stopped as stopped:
            return str(stopped)
        finally:
            self._stop()

    def _start(self) -> None:
        self.crew.start(self.mail)
        self.crew.start(self.payments)
        self.crew.start(self.prepare)
        while self.prepare.running:
            self.crew.step()
        if self.prepare.exit_code != 0:
            raise Stopped("The demo's content could not be prepared; the reason is above.")
        self.crew.start(self.web)
        while not self._web_answers():
            self.crew.step(POLL_SECONDS)
        # Not sooner: on a small machine they would only keep the site waiting.
        self.crew.start(self.worker)
        self.crew.start(self.schedule)
        self.terminal.say(banner(self.port, self.var_dir, time.monotonic() - self.started_at))

    def _web_answers(self) -> bool:
        """Ask for /healthz without waiting: the question stays open until the web replies."""
        try:
            self.question = self.question or ask(self.port)
            self.answered = self.question.recv(5) == b"HTTP/"
            self.question = None
        except BlockingIOError:
            pass
        except OSError:
            self.question = None
        return self.answered

    def _stop(self) -> None:
        self.terminal.say("Stopping. (Ctrl-C again does not wait.)")
        if not self.answered:
            # Nobody waits for it, and granian's worker does not hear a TERM while it starts.
            self.web.signal(signal.SIGKILL)
        # First who makes work, then who does it, last who takes the letters.
        makers = (self.prepare, self.payments, self.schedule)
        self.crew.stop((*makers, self.web, self.worker, self.mail))
        self.terminal.say("Stopped.")


def worker_command() -> list[str]:
    # One worker talks to no other: no gossip, no greeting, no heartbeat to wait for.
    options = "--loglevel INFO --without-gossip --without-mingle --without-heartbeat"
    return [*CELERY, "worker", "--pool", "threads", "--concurrency", "2", *options.split()]


def schedule_command() -> list[str]:
    return [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile="]


def mail_command(port: int, var_dir: Path) -> list[str]:
    folder = str(var_dir / "mail")
    return ["-m", "fibrosite.demo.mailserver", "--port", str(port), "--folder", folder]


def payments_command(port: int, pay_port: int, var_dir: Path) -> list[str]:
    file = str(var_dir / "payments.json")
    options = ["--port", str(pay_port), "--file", file, "--site", address(port)]
    return ["-m", "fibrosite.demo.checkout", *options]


def web_command(port: int) -> list[str]:
    options = (
        f"--interface wsgi --host {HOST} --port {port} --http 1 --no-ws --workers 1 "
        "--blocking-threads 4 --workers-kill-timeout 5 --log-level warning --access-log"
    )
    application = "fibrosite.wsgi:application"
    return ["-m", "granian", *options.split(), "--access-log-fmt", ACCESS_LINE, application]


def environment(port: int, mail_port: int, pay_port: int, var_dir: Path) -> dict[str, str]:
    """What every child is told; databases, brokers and keys named by the caller stay."""
    return {
        **payment_keys(pay_port),
        "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev",
        # In a container all is root's, and Celery's five lines about it help nobody.
        "PYTHONWARNINGS": "ignore:::celery.platforms",
        **os.environ,
        MARK: str(var_dir),
        "VAR_DIR": str(var_dir),
        "SITE_URL": address(port),
        "EMAIL_HOST": HOST,
        "EMAIL_PORT": str(mail_port),
        "MAILBOX_DIR": str(var_dir / "mail"),
        "PYTHONUNBUFFERED": "1",
    }


def payment_keys(port: int) -> dict[str, str]:
    """The keys of the demo's own payment service, unless the caller tries a real one."""
    if any(name.startswith(("STRIPE_", "PAYPAL_")) for name in os.environ):
        return {}
    return {
        "STRIPE_API_KEY": "sk_test_demo",
        "STRIPE_WEBHOOK_SECRET": "whsec_demo",
        "STRIPE_API_BASE": address(port),
        "PAYPAL_CLIENT_ID": "demo",
        "PAYPAL_CLIENT_SECRET": "demo",
        "PAYPAL_WEBHOOK_ID": "demo",
        "PAYPAL_API_BASE": address(port),
    }


def address(port: int) -> str:
    return f"http://{HOST}:{port}"


def ask(port: int) -> socket.socket:
    """Put a request for /healthz to the web; the answer can be read without waiting."""
    question = socket.create_connection((HOST, port), timeout=1)
    question.sendall(f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
    question.setblocking(False)
    return question


def banner(port: int, var_dir: Path, seconds: float) -> str:
    return BANNER.format(site=address(port), login=login(var_dir), seconds=seconds)


def login(var_dir: Path) -> str:
    """The demo editor's login, as `prepare_demo` wrote it; nothing if it did not."""
    try:
        found = json.loads((var_dir / "demo-login.json").read_text())
        return f"     log in as {found['username']} with {found['password']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def read_port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    sys.exit(f"PORT must be a number from 1 to 65535, not {text!r}: make run PORT=8001")


def refuse_taken_port(port: int) -> None:
    """End with a sentence when nothing can listen on this port."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except OSError as error:
        why = {
            errno.EADDRINUSE: "is taken by another program",
            errno.EACCES: "is only for administrators",
        }.get(error.errno or 0, f"cannot be used ({error.strerror})")
        sys.exit(f"Port {port} {why}; choose another one: make run PORT=8001")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def lock(var_dir: Path, port: int) -> TextIO:
    """Claim the folder for this demo; ends with a sentence where that is impossible."""
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        file = (var_dir / "run.lock").open("a+")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        file.write(address(port))
        file.flush()
    except BlockingIOError:
        file.seek(0)
        sys.exit(f"Fibrosite already runs from this folder: {file.read()}/ (Ctrl-C there stops it)")
    except OSError as error:
        sys.exit(
            f"Fibrosite keeps its data in {var_dir}, but cannot write there: {error.strerror}. "
            "Make it writable, or name another folder: make run VAR_DIR=/some/where/else"
        )
    return file


def main(variables: Mapping[str, str] = os.environ) -> None:
    port = read_port(variables.get("PORT") or "8000")
    var_dir = Path(variables.get("VAR_DIR") or ROOT / "var").resolve()
    if "MAKELEVEL" in variables:
        end_with_parent(signal.SIGTERM)  # a killed make would leave us behind, unseen
    held = lock(var_dir, port)
    end_leftovers(str(var_dir))
    refuse_taken_port(port)
    os.chdir(ROOT)
    problem = Demo(port, var_dir, Terminal(sys.stdout)).run()
    held.close()
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
