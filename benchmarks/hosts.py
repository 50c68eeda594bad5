"""Machines in a network of their own, for tests of what happens when one loses it. Needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

IP = "/usr/sbin/ip"


def ip(*words: str) -> None:
    """One command of iproute2. Raises CalledProcessError."""
    subprocess.run([IP, *words], check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Hosts:
    """Network namespaces on a bridge. `address` is that of this machine for all of them."""

    mark: str
    number: int

    @property
    def _net(self) -> str:
        # From the block for tests of networks (RFC 2544), so that it is nobody's.
        return f"198.18.{int(self.mark, 16) % 250 + 1}"

    @property
    def address(self) -> str:
        """Where this machine is reached."""
        return f"{self._net}.1"

    @property
    def prefixes(self) -> list[list[str]]:
        """What stands in front of a command that runs on each of them."""
        return [[IP, "netns", "exec", self._name(n)] for n in range(self.number)]

    def _name(self, host: int) -> str:
        return f"fs{self.mark}{host}"

    def up(self) -> None:
        """Make them all."""
        bridge = f"fs{self.mark}b"
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"{self.address}/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for host in range(self.number):
            name = self._name(host)
            ip("netns", "add", name)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", bridge, "up")
            ip("-n", name, "addr", "add", f"{self._net}.{10 + host}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", name, "link", "set", device, "up")

    def down(self) -> None:
        """Remove all that was made."""
        for host in range(self.number):
            for words in (("link", "del", self._name(host)), ("netns", "del", self._name(host))):
                with suppress(subprocess.CalledProcessError):
                    ip(*words)
        with suppress(subprocess.CalledProcessError):
            ip("link", "del", f"fs{self.mark}b")

    def cut(self, host: int) -> None:
        """Pull its cable."""
        ip("link", "set", self._name(host), "down")

    def join(self, host: int) -> None:
        """Put the cable back."""
        ip("link", "set", self._name(host), "up")


@contextmanager
def hosts(number: int) -> Iterator[Hosts]:
    """So many machines, gone at the end of the block."""
    machines = Hosts(f"{os.getpid() & 0xFFFF:x}", number)
    try:
        machines.up()
        yield machines
    finally:
        machines.down()
