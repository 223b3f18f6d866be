"""Processes that a test started, wherever they went: they carry its mark in their environment."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "FEDPROOF_TEST"


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
