"""Prepare .venv, then hand over to it: python3 -I fibrosite/bootstrap.py FILE [-- command ...]

FILE is a list of pinned and hashed requirements. Standard library only, and nothing that
Python 3.6 could not parse: an old Python gets a sentence, not a syntax error.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "bin")
PYTHON = os.path.join(BIN, "python")
LOCK = os.path.join(VENV, ".lock")
# Which files are installed, by the hash of each. Empty while an installation is under way.
STAMP = os.path.join(VENV, ".installed")
# What a file brings along: the development list is the runtime list and more.
INCLUDES = {"requirements-dev.txt": ["requirements.txt"]}
NOWHERE = subprocess.DEVNULL
NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "NameResolutionError",
    "ProxyError",
    "ReadTimeoutError",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "(from versions: none)",  # all that is locked exists, so the index was not reached
)
DISK_FULL = "The disk is full: make room (about 300 MB), then start again."
ENOUGH_BYTES = 10_000_000


def main(arguments: "list[str]") -> None:
    """Install what FILE lists unless that was done before, then become the command."""
    refuse_old_python(sys.version_info[:3])
    os.chdir(ROOT)
    requirements, command = arguments[0], arguments[2:]
    try:
        if not is_ready(requirements):
            set_up(requirements)
    except KeyboardInterrupt:
        sys.exit("\nStopped. The next run starts the set-up again.")
    except OSError as error:
        sys.exit(cannot_write(error))
    if command:
        # By its path, because Python looks for its packages beside the name it was called by.
        program = os.path.join(BIN, command[0])
        os.execv(program, [program, *command[1:]])


def refuse_old_python(version: "tuple[int, ...]") -> None:
    if version < OLDEST:
        sys.exit(
            "Fibrosite needs Python {} or newer; this is {}. Install a newer one (python.org, or "
            "your system's packages), or name it: make run PYTHON=python3.12".format(
                ".".join(map(str, OLDEST)), ".".join(map(str, version))
            )
        )


def is_ready(requirements: str) -> bool:
    """Does .venv hold what the file asks for, and run? A glance, on every start."""
    return read_stamp().get(os.path.basename(requirements)) == fingerprint(requirements) and runs()


def set_up(requirements: str) -> None:
    """Create or repair .venv and install the file, once, however many ask at the same time."""
    started = time.monotonic()
    os.makedirs(VENV, exist_ok=True)
    with locked() as lock:
        if is_ready(requirements):
            return
        say("Installing what Fibrosite needs into .venv; this takes the network, and a moment.")
        create_venv(lock)
        write_stamp({})
        install(requirements, lock)
        write_stamp({os.path.basename(path): fingerprint(path) for path in covered(requirements)})
    say("Installed in {:.0f} s.".format(time.monotonic() - started))


@contextlib.contextmanager
def locked():  # type: ignore[no-untyped-def]
    """Hold the lock of this folder; yields its descriptor, for children to hold as well."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is at work in this folder; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def create_venv(lock: int) -> None:
    """Leave a .venv that runs and has pip; what cannot be trusted is made anew."""
    interrupted = os.path.exists(STAMP) and not read_stamp()
    if not interrupted and runs() and has_pip():
        return
    refuse_without_venv()
    empty_venv()
    write_stamp({})
    # The base Python, because the one that runs may live in the folder just emptied.
    base = getattr(sys, "_base_executable", sys.executable)
    code, output = follow([base, "-I", "-m", "venv", VENV], lock)
    if code != 0:
        sys.exit(why_it_failed(output))


def refuse_without_venv() -> None:
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        sys.exit(
            "This Python cannot create environments: its venv or ensurepip module is missing. "
            "On Debian or Ubuntu: sudo apt install python3-venv"
        )


def runs() -> bool:
    """Does the Python of .venv start, and is it of the version that runs this?"""
    check = "import sys; sys.exit(sys.version_info[:2] != {})".format(tuple(sys.version_info[:2]))
    return succeeds(["-S", "-c", check])


def has_pip() -> bool:
    return succeeds(["-m", "pip", "--version"])


def succeeds(arguments: "list[str]") -> bool:
    command = [PYTHON, "-I", *arguments]
    try:
        return subprocess.call(command, stdout=NOWHERE, stderr=NOWHERE) == 0
    except OSError:
        return False


def empty_venv() -> None:
    """Remove all but the lock, which others may be waiting for."""
    for entry in os.scandir(VENV):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        elif entry.path != LOCK:
            os.unlink(entry.path)


def install(requirements: str, lock: int) -> None:
    """Let pip install exactly the pinned files; without success this does not return."""
    # The file pins and hashes everything, so there is nothing to resolve.
    flags = "--require-hashes --no-deps --no-input --disable-pip-version-check --progress-bar off"
    command = [PYTHON, "-I", "-m", "pip", "install", "-r", requirements, *flags.split()]
    if "PYTHONDONTWRITEBYTECODE" not in os.environ:
        # Modules are compiled when they are first used, and most of them never are.
        command.append("--no-compile")
    code, output = follow(command, lock, total=count_pins(requirements))
    if code != 0:
        sys.exit(why_it_failed(output))


def why_it_failed(output: "list[str]") -> str:
    """One sentence with the cure; before it the tool's own last words, where the cause is open."""
    text, last_words = "\n".join(output), "\n".join(output[-12:])
    if os.strerror(errno.ENOSPC) in text or shutil.disk_usage(ROOT).free < ENOUGH_BYTES:
        return DISK_FULL
    if any(sign in text for sign in NO_NETWORK):
        return "No network: the first set-up downloads packages. Connect, then start again."
    if "DO NOT MATCH THE HASHES" in text:
        return last_words + (
            "\n\nA package is not the one that was locked, so it was not installed. "
            "Try again later; if it stays so, please report it."
        )
    return last_words + "\n\nThe set-up failed, for the reason above. Start again once it is gone."


def follow(command: "list[str]", lock: int, total: int = 0) -> "tuple[int, list[str]]":
    """Run a command to its end, showing one line of progress; its exit code and output.

    The child holds the lock too: should this process be killed, the next one waits for it.
    """
    output = []  # type: list[str]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
        pass_fds=(lock,),
    ) as child:
        for line in child.stdout or ():
            output.append(line.rstrip())
            if total:
                show_progress(progress(output, total))
    show_progress("")
    return child.returncode, output


def progress(output: "list[str]", total: int) -> str:
    if output[-1].startswith("Installing"):
        return "  unpacking {} packages ...".format(total)
    seen = sum(line.startswith(("Collecting", "Requirement", "Ignoring")) for line in output)
    return "  fetched {} of {} packages".format(seen, total)


def show_progress(text: str) -> None:
    """Replace the line that a person is watching; a log gets none."""
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K" + text)
        sys.stdout.flush()


def count_pins(requirements: str) -> int:
    with open(requirements) as lines:
        return sum("==" in line for line in lines)


def cannot_write(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return DISK_FULL
    return (
        "Fibrosite sets itself up in its own folder, but {} failed: {}. Make the folder "
        "writable, or move it to where you may write, then start again.".format(
            error.filename or VENV, error.strerror
        )
    )


def covered(requirements: str) -> "list[str]":
    """The file, and the files of the same folder whose pins it contains."""
    folder, name = os.path.split(requirements)
    return [requirements] + [os.path.join(folder, other) for other in INCLUDES.get(name, [])]


def fingerprint(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read_stamp() -> "dict[str, str]":
    try:
        with open(STAMP) as file:
            return dict(json.load(file))
    except (OSError, ValueError):
        return {}


def write_stamp(stamp: "dict[str, str]") -> None:
    with open(STAMP + ".new", "w") as file:
        json.dump(stamp, file)
    os.replace(STAMP + ".new", STAMP)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
