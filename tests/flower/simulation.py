"""`flwr run` in tests: a local SuperLink that the test starts and ends itself. `flwr run` would leave one running in the background."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.flower.processes import MARK, QUIET, end, free_ports, new_mark

_START = 60
"""Seconds for the SuperLink to answer."""


@contextmanager
def superlink(home: Path) -> Iterator[dict[str, str]]:
    """Variables with which `flwr run` uses a SuperLink for simulations of its own; it and all that it started end with the context.
    home: a folder for Flower's configuration and state."""
    port, control = map(str, free_ports(2))
    mark = new_mark()
    variables = {
        **QUIET,
        "FLWR_HOME": str(home),
        "FLWR_LOCAL_SUPERLINK_HTTP_API_PORT": port,
        "FLWR_LOCAL_CONTROL_API_PORT": control,
    }
    command = ["flower-superlink", "--insecure", "--simulation", "--isolation", "subprocess"]
    command += ["--host", "127.0.0.1", "--port", port, "--control-api-address", f"127.0.0.1:{control}"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health")
        yield variables
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=_START)
        _end_group(process.pid)
        end(mark)  # a simulation is in a group of its own, and waits for all of its nodes


def run_in(folder: Path, script: str, variables: Mapping[str, str]) -> str:
    """Runs a shell script that has `flwr run` in it, and returns what it prints."""
    ran = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        assert process.poll() is None, "flower-superlink ended"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def _end_group(group: int) -> None:
    """Whatever the SuperLink started and left behind."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
