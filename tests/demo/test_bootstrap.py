"""What `make` does first: on a fresh machine, on a broken one, and the second time."""

import ast
import base64
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from fibrosite import bootstrap

SOURCE = Path(bootstrap.__file__)


class Project:
    """A folder with bootstrap.py and a list of one tiny package, which needs no network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        self.stamp = self.venv / ".installed"
        self.wheels = folder / "wheels"

    def create(self) -> None:
        (self.folder / "fibrosite").mkdir(parents=True)
        shutil.copy(SOURCE, self.folder / "fibrosite")
        self.require("1.0")

    def require(self, version: str, name: str = "requirements.txt", digest: str = "") -> None:
        """Write a list that pins the tiny package, and the wheel it names."""
        self.wheels.mkdir(exist_ok=True)
        wheel = tiny_wheel(self.wheels, version)
        digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.folder / name).write_text(
            f"--no-index\n--find-links {self.wheels}\ntiny=={version} --hash=sha256:{digest}\n"
        )

    def command(self, name: str, *command: str) -> list[str]:
        tail = ["--", *command] if command else []
        return [sys.executable, "-I", "fibrosite/bootstrap.py", name, *tail]

    def run(self, name: str = "requirements.txt", *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(name, *command), cwd=self.folder, capture_output=True, text=True
        )

    def tiny_version(self) -> str:
        ask = ("python", "-I", "-c", "import tiny; print(tiny.VERSION)")
        return self.run("requirements.txt", *ask).stdout.splitlines()[-1]


def tiny_wheel(folder: Path, version: str) -> Path:
    wheel = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{record_hash(text)},{len(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return wheel


def record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A clone in which nothing was ever run."""
    project = Project(tmp_path / "clone")
    project.create()
    return project


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("prepared") / "clone")
    project.create()
    done = project.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def ready(prepared: Project, tmp_path: Path) -> Project:
    """A clone that was set up before (a copy, because that is quicker)."""
    shutil.copytree(prepared.folder, tmp_path / "clone", symlinks=True)
    return Project(tmp_path / "clone")


def assert_refused(done: subprocess.CompletedProcess, *words: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_an_old_python_is_told_what_to_do() -> None:
    with pytest.raises(SystemExit) as refusal:
        bootstrap.refuse_old_python((3, 9, 2))
    assert "3.11 or newer; this is 3.9.2" in str(refusal.value)
    assert "PYTHON=python3.12" in str(refusal.value)


def test_an_old_python_can_read_the_file() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 6))
    nodes = list(ast.walk(tree))
    annotations = [node.returns for node in nodes if isinstance(node, ast.FunctionDef)]
    annotations += [node.annotation for node in nodes if isinstance(node, ast.arg | ast.AnnAssign)]
    # Where it would be evaluated, `list[str]` ends an old Python before it can be refused.
    assert not [each for each in annotations if isinstance(each, ast.Subscript | ast.BinOp)]


def test_a_python_without_venv_is_told_which_package_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="sudo apt install python3-venv"):
        bootstrap.refuse_without_venv()


def test_a_folder_that_cannot_be_written_is_named(fresh: Project) -> None:
    fresh.venv.write_text("a file stands where the folder should be")
    assert_refused(fresh.run(), str(fresh.venv), "File exists", "Make the folder writable")


def test_the_first_run_installs_and_hands_over_the_words_of_the_command(fresh: Project) -> None:
    done = fresh.run(
        "requirements.txt", "python", "-c", "import sys, tiny; print(sys.prefix, sys.argv)", "a b"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{fresh.venv} ['-c', 'a b']"


def test_the_exit_code_of_the_command_is_passed_on(ready: Project) -> None:
    assert ready.run("requirements.txt", "python", "-c", "raise SystemExit(7)").returncode == 7


def test_the_second_run_is_silent_and_installs_nothing(ready: Project) -> None:
    shutil.rmtree(ready.wheels)
    done = ready.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("later_allowed", "compiled_now"), [(True, 0), (False, 1)])
def test_modules_are_compiled_at_once_only_where_python_may_not_do_it_later(
    ready: Project, monkeypatch: pytest.MonkeyPatch, later_allowed: bool, compiled_now: int
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    if not later_allowed:
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    ready.require("2.0")
    ready.run()
    assert (
        len(list(ready.venv.glob("lib/python*/site-packages/__pycache__/tiny.*"))) == compiled_now
    )


def test_a_changed_list_is_installed(ready: Project) -> None:
    ready.require("2.0")
    assert ready.tiny_version() == "2.0"


def test_the_development_list_satisfies_the_runtime_list(ready: Project) -> None:
    ready.require("2.0")
    ready.require("2.0", "requirements-dev.txt")
    assert ready.run("requirements-dev.txt").returncode == 0
    shutil.rmtree(ready.wheels)
    assert ready.run("requirements.txt").stdout == ""


def test_another_runtime_list_does_not_leave_the_development_list_satisfied(ready: Project) -> None:
    ready.require("2.0", "requirements-dev.txt")
    ready.run("requirements-dev.txt")
    ready.require("3.0")
    ready.run("requirements.txt")
    assert list(json.loads(ready.stamp.read_text())) == ["requirements.txt"]


def test_a_python_that_does_not_run_any_more_is_replaced(ready: Project) -> None:
    python = ready.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert ready.tiny_version() == "1.0"


def test_a_python_of_another_version_is_replaced(ready: Project) -> None:
    python = ready.venv / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\nexit 1\n")  # what it answers when asked for its version
    python.chmod(0o755)
    assert ready.tiny_version() == "1.0"


def test_an_environment_without_pip_is_replaced(ready: Project) -> None:
    next(ready.venv.glob("lib/python*/site-packages/pip/__main__.py")).unlink()
    ready.require("2.0")
    assert ready.tiny_version() == "2.0"


def test_a_set_up_killed_half_way_is_repaired(ready: Project) -> None:
    ready.require("2.0")
    wheel = next(ready.wheels.glob("tiny-2.0*"))
    content = wheel.read_bytes()
    wheel.unlink()
    os.mkfifo(wheel)  # pip waits here
    half_way = subprocess.Popen(
        ready.command("requirements.txt"), cwd=ready.folder, start_new_session=True
    )
    wait_for_reader(wheel)
    next(ready.venv.glob("lib/python*/site-packages/tiny.py")).unlink()  # half a package
    os.killpg(half_way.pid, signal.SIGKILL)
    half_way.wait()
    wheel.unlink()
    wheel.write_bytes(content)
    assert ready.tiny_version() == "2.0"


def wait_for_reader(fifo: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("pip did not ask for the wheel")


def test_two_at_once_do_not_disturb_each_other(fresh: Project) -> None:
    both = [
        subprocess.Popen(
            fresh.command("requirements.txt", "python", "-c", "import tiny; print('ok')"),
            cwd=fresh.folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sum("Installing what" in each for each in said) == 1


def test_who_waits_for_another_set_up_says_so(ready: Project) -> None:
    ready.require("2.0")
    with (ready.venv / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            ready.command("requirements.txt"), cwd=ready.folder, stdout=subprocess.PIPE, text=True
        )
        assert waiting.stdout is not None
        assert "waiting for it" in waiting.stdout.readline()
    waiting.communicate()
    assert waiting.returncode == 0


def test_a_package_that_is_not_the_locked_one_is_refused(ready: Project) -> None:
    ready.require("2.0", digest="0" * 64)
    assert_refused(ready.run(), "DO NOT MATCH THE HASHES", "not the one that was locked")


def test_a_missing_network_is_named(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (ready.folder / "requirements.txt").write_text(
        f"--index-url http://127.0.0.1:9/\ntiny==2.0 --hash=sha256:{'0' * 64}\n"
    )
    assert_refused(ready.run(), "No network")


def test_a_full_disk_is_named() -> None:
    said = ["ERROR: Could not install packages: [Errno 28] No space left on device"]
    assert bootstrap.why_it_failed(said).startswith("The disk is full")


def test_what_nobody_foresaw_is_shown_as_pip_said_it() -> None:
    shown = bootstrap.why_it_failed([f"line {number}" for number in range(100)])
    assert "line 99" in shown
    assert "line 80" not in shown
