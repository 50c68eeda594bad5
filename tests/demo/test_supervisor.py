"""`make run` as a newcomer meets it. The site is played by small stand-ins, so that it is quick."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from fibrosite.demo import processes
from fibrosite.demo.processes import Child, Terminal, end_leftovers, marked

DEMO = Path(processes.__file__).parent
SERVERS = ("fibrosite/demo/mailserver.py", "fibrosite/demo/checkout.py")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell")

# Plays each of the children, known by a word of its command; notes when it is asked to stop.
# As granian, it forks a worker that shares the port, and takes it along when it ends in order.
ACTOR = """
import json, os, signal, socket, sys, time
var = os.environ["VAR_DIR"]
parts = ("worker", "beat", "wsgi", "--folder", "--file")
name = next((part for part in parts if part in sys.argv), "prepare")
fork = None

def stop(number, frame):
    with open(f"{var}/stopped", "a") as file:
        file.write(name + " ")
    if name != os.environ.get("STUBBORN"):
        if fork:
            os.kill(fork, signal.SIGTERM)
        os._exit(0)

signal.signal(signal.SIGTERM, stop)
print(name, "is here", flush=True)
if name == "prepare":
    with open(f"{var}/demo-login.json", "w") as file:
        json.dump({"username": "ada", "password": "open sesame"}, file)
    sys.exit(int(os.environ.get("PREPARE_EXIT", "0")))
if name == "wsgi":
    server = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
    fork = os.fork()
    while True:
        question, _ = server.accept()
        question.recv(1000)
        question.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
        question.close()
time.sleep(600)
"""


class Site:
    """A folder with the real supervisor and stand-ins for all that it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.var = folder / "var"
        self.port = free_port()
        self.output = folder / "output"
        self.running: list[subprocess.Popen] = []

    def create(self) -> None:
        code = self.folder / "fibrosite" / "demo"
        code.mkdir(parents=True)
        for file in DEMO.glob("*.py"):
            shutil.copy(file, code)
        (self.folder / "fibrosite" / "__init__.py").touch()
        for actor in ("manage.py", "granian.py", "celery.py", *SERVERS):
            (self.folder / actor).write_text(ACTOR)

    def start(self, **variables: str) -> subprocess.Popen:
        with self.output.open("w") as output:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "fibrosite.demo.supervisor"],
                cwd=self.folder,
                env={**os.environ, "PORT": str(self.port), "VAR_DIR": str(self.var), **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(supervisor)
        return supervisor

    def open(self, **variables: str) -> subprocess.Popen:
        """Start it and wait until it says where to look."""
        supervisor = self.start(**variables)
        self.wait_for("Ctrl-C stops everything")
        self.wait_for("beat is here")
        return supervisor

    def refused(self, **variables: str) -> str:
        """Start it where it must refuse; what it says."""
        assert self.start(**variables).wait(10) == 1
        assert "Traceback" not in self.said
        return self.said

    def wait_for(self, words: str) -> None:
        until(lambda: words in self.said, f"{words!r}, in:\n{self.said}")

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def stopped(self) -> list[str]:
        """Who was asked to stop, in this order; granian's stand-in is two processes."""
        note = self.var / "stopped"
        return list(dict.fromkeys(note.read_text().split())) if note.exists() else []

    def left(self) -> list[int]:
        return list(marked(str(self.var)))

    def pid_of(self, name: str) -> int:
        """The first process of the child with this word among its arguments."""
        return min(pid for pid in self.left() if name in command_line(pid))


def command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def until(true: Callable[[], bool], what: str, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site")
    site.create()
    yield site
    for supervisor in site.running:
        supervisor.kill()
        supervisor.wait()
    end_leftovers(str(site.var))


def test_a_newcomer_is_told_where_to_look_and_how_to_log_in(site: Site) -> None:
    site.open()
    for path in ("/", "/subscribe/", "/mailbox/", "/admin/"):
        assert f"http://127.0.0.1:{site.port}{path}" in site.said
    assert "log in as ada with open sesame" in site.said


def test_each_line_says_who_said_it(site: Site) -> None:
    site.open()
    for line in ("prepare  | prepare is", "web      | wsgi is", "schedule | beat is"):
        assert line in site.said


def test_a_port_that_is_taken_is_named_with_the_cure(site: Site) -> None:
    with socket.create_server(("127.0.0.1", site.port)):
        assert f"Port {site.port} is taken by another program" in site.refused()
    assert "make run PORT=8001" in site.said


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80.5", "²"])
def test_a_port_that_is_none_is_refused(site: Site, port: str) -> None:
    assert "PORT must be a number from 1 to 65535" in site.refused(PORT=port)


def test_a_second_demo_of_the_same_folder_is_told_where_the_first_is(site: Site) -> None:
    first = site.open()
    assert f"already runs from this folder: http://127.0.0.1:{site.port}/" in site.refused(PORT="1")
    assert first.poll() is None


def test_a_data_folder_that_cannot_be_written_is_named(site: Site) -> None:
    site.var.write_text("a file stands where the folder should be")
    assert f"keeps its data in {site.var}, but cannot write there" in site.refused()


def test_content_that_cannot_be_prepared_ends_the_start(site: Site) -> None:
    assert "could not be prepared" in site.refused(PREPARE_EXIT="3")
    assert "prepare  | prepare is here" in site.said
    assert "wsgi is here" not in site.said
    until(lambda: not site.left(), "the end of all")


def test_ctrl_c_stops_all_in_order(site: Site) -> None:
    supervisor = site.open()
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(10) == 0
    assert site.stopped == ["--file", "beat", "wsgi", "worker", "--folder"]
    assert site.said.endswith("Stopped.\n")
    until(lambda: not site.left(), "the end of all")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_and_a_shut_down_stop_it_too(site: Site, number: int) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("whoever runs the tests asked to ignore this signal, and so do all children")
    supervisor = site.open()
    supervisor.send_signal(number)
    assert supervisor.wait(10) == 0
    until(lambda: not site.left(), "the end of all")


def test_a_second_ctrl_c_does_not_wait(site: Site) -> None:
    supervisor = site.open(STUBBORN="worker")
    supervisor.send_signal(signal.SIGINT)
    until(lambda: "worker" in site.stopped, "the worker's turn")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(5) == 0
    until(lambda: not site.left(), "the end of all")


@linux_only
def test_a_child_that_dies_is_started_again(site: Site) -> None:
    site.open()
    before = site.pid_of("worker")
    os.kill(before, signal.SIGKILL)
    site.wait_for("worker   | was ended by SIGKILL; starting it again in 1 s")
    until(lambda: site.said.count("worker is here") == 2, "the new worker")
    assert site.pid_of("worker") != before


@linux_only
def test_the_web_takes_what_it_started_along_when_it_dies(site: Site) -> None:
    site.open()
    before = set(site.left())
    os.kill(site.pid_of("wsgi"), signal.SIGKILL)
    site.wait_for("web      | was ended by SIGKILL")
    until(lambda: len(before & set(site.left())) == len(before) - 2, "the end of both")


@linux_only
def test_a_supervisor_that_is_killed_leaves_nothing_behind(site: Site) -> None:
    supervisor = site.open()
    supervisor.kill()
    until(lambda: not site.left(), "the end of the children", 3)


@linux_only
def test_what_a_killed_demo_left_does_not_hinder_the_next(site: Site) -> None:
    first = site.open(STUBBORN="wsgi")
    first.kill()
    first.wait()
    until(lambda: "wsgi" in site.stopped, "the web to be asked, in vain")
    left = set(site.left())
    assert left
    second = site.open()
    until(lambda: not left & set(site.left()), "the end of what was left")
    assert second.poll() is None


def silent_child() -> Child:
    return Child("web", ["true"], {}, Terminal(StringIO()))


def test_the_pause_before_a_new_start_grows_up_to_half_a_minute() -> None:
    child = silent_child()
    assert [child.next_pause(now=0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_was_steady_starts_again_soon() -> None:
    child = silent_child()
    child.next_pause(now=1)
    child.next_pause(now=2)
    assert child.next_pause(now=3600) == 1


def test_five_deaths_in_half_a_minute_are_too_many() -> None:
    child = silent_child()
    for now in (0, 6, 12, 18):
        child.next_pause(now)
        assert not child.hopeless(within=30)
    child.next_pause(now=24)
    assert child.hopeless(within=30)


def test_five_deaths_in_an_hour_are_not() -> None:
    child = silent_child()
    for now in range(0, 3600, 720):
        child.next_pause(now)
    assert not child.hopeless(within=30)


def said_by(code: str) -> str:
    screen = StringIO()
    child = Child("web", [sys.executable, "-c", code], dict(os.environ), Terminal(screen))
    child.start()
    until(child.has_ended, "the end of the child")
    child.bury()
    return screen.getvalue()


def test_odd_bytes_and_a_last_line_without_an_end_are_shown() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'caf\xc3\xa9 \xff\r\n\nlast')"
    assert said_by(code) == "web      | café \N{REPLACEMENT CHARACTER}\nweb      | last\n"


def test_a_line_without_end_is_shown_in_pieces() -> None:
    shown = said_by("print('x' * 60_000, end='')")
    assert shown.count("x") == 60_000


def test_a_terminal_that_went_away_is_noted() -> None:
    class Gone(StringIO):
        def write(self, text: str) -> int:
            raise OSError("gone")

    terminal = Terminal(Gone())
    terminal.say("hello")
    assert terminal.gone


def test_names_are_coloured_only_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = StringIO()
    Terminal(screen).say("hello", "web")
    assert "\033" not in screen.getvalue()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    Terminal(screen).say("hello", "web")
    assert "\033[32mweb" in screen.getvalue()


def test_watching_needs_neither_django_nor_celery() -> None:
    code = "import json, sys, fibrosite.demo.supervisor; print(json.dumps(list(sys.modules)))"
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", code], text=True))
    assert not {"django", "celery", "asyncio"} & set(loaded)
