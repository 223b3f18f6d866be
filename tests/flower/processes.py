"""Flower's programs in tests: what they are started with, and what of them still runs, wherever it went: all carry the test's mark in
their environment."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fedproof.doctor.network import CALLS

BIN = Path(sys.executable).parent
QUIET = {call.variable: call.value for call in CALLS} | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
"""Variables for all of them: nothing is sent, nothing is installed, as `fedproof doctor` advises."""
MARK = "FEDPROOF_TEST"


def free_ports(count: int) -> list[int]:
    """Of loopback."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def new_mark() -> str:
    """Value of the variable `MARK` for one test's processes."""
    return f"fedproof-{uuid.uuid4()}"


def marked(mark: str) -> Iterator[int]:
    """Those that still run, but for this one."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            here = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if here and state != "Z" and int(folder.name) != os.getpid():
            yield int(folder.name)


def end(mark: str, seconds: float = 20) -> list[int]:
    """Gives them time to end by themselves, kills the others, and returns which those were."""
    last = time.monotonic() + seconds
    while (found := list(marked(mark))) and time.monotonic() < last:
        time.sleep(0.1)
    for number in found:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return found
