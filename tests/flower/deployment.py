"""Flower across processes, on loopback: a SuperLink, SuperNodes, and runs of the app. All that is started here ends with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from fedproof.encoding.digest import sha256
from fedproof.model.base import save_base
from fedproof.round.provision import provision
from tests.flower.processes import BIN, MARK, QUIET, end, free_ports, new_mark

APP = Path(__file__).parent / "app"
POLICY = """\
version = 1
federation = "deployed"
base_model = "sha256:{base}"

[update]
scale = 12
max_abs = 4096
max_norm = 16384
weights = {{ source = "declared", max = 100 }}

[round]
min_accepted = 2
deadline_seconds = 30
"""


MASKED = """
[masking]
enabled = true
colluders = 0
min_set = 3
"""
"""For rounds of four, of which one may vanish."""


def federation(folder: Path, nodes: int, more: str = "") -> Path:
    """The folders of all parties. more: of the policy."""
    arrays = {"0": np.zeros((8, 3), np.float32), "1": np.zeros(3, np.float32)}
    base = save_base(folder.parent / "base.safetensors", arrays)
    policy = POLICY.format(base=sha256(base).hex()) + more
    provision(folder, policy=policy.encode(), base=base, nodes=nodes)
    return folder


@dataclass
class Process:
    """A process in a group of its own, whose output goes to a file."""

    popen: subprocess.Popen[bytes]
    output: Path

    @property
    def text(self) -> str:
        """All that it wrote so far."""
        return self.output.read_text("utf-8", "replace")

    def wait_for(self, *words: str, seconds: float = 60) -> None:
        """Until it wrote one of these. Fails if it ends before, or takes too long."""
        wait_until(lambda: any(w in self.text for w in words) or self.popen.poll() is not None, seconds, self)
        assert any(w in self.text for w in words), self.text[-4000:]

    def end(self, sign: int = signal.SIGTERM) -> None:
        """The whole group."""
        for number in (sign, signal.SIGKILL):
            try:
                os.killpg(self.popen.pid, number)
                self.popen.wait(10)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def wait_until(true: Callable[[], bool], seconds: float, process: Process | None = None) -> None:
    """Fails after so many seconds, with what the process wrote last."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, process.text[-4000:] if process else "waited in vain"
        time.sleep(0.1)


@dataclass
class Deployment:
    """A SuperLink on loopback, and what connects to it. link: options of all that do. flags: of the SuperLink."""

    root: Path
    link: Sequence[str] = ("--insecure",)
    flags: Sequence[str] = ("--insecure",)
    config: str = "insecure = true"
    mark: str = field(default_factory=new_mark)
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _started: list[Process] = field(default_factory=list)

    def __enter__(self) -> Self:
        home = self.root / "home"
        home.mkdir()
        place = f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "127.0.0.1:{self.port}"\n'
        (home / "config.toml").write_text(place + self.config + "\n")
        here = ("--host", "127.0.0.1", "--port", str(self.port), "--disable-runtime-dependency-installation")
        try:
            link = self.start("superlink", "flower-superlink", *self.flags, *here)
            wait_until(lambda: _listens(self.port) or link.popen.poll() is not None, 60, link)
            assert link.popen.poll() is None, link.text
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._started):
            process.end()
        assert end(self.mark) == [], "processes were left behind"

    def start(self, name: str, *command: str) -> Process:
        """One of Flower's programs."""
        output = self.root / f"{name}.log"
        own = {"FLWR_HOME": str(self.root / "home"), MARK: self.mark, "PYTHONUNBUFFERED": "1"}
        environment = os.environ | QUIET | own
        with output.open("wb") as file:
            popen = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                env=environment,
                cwd=self.root,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        process = Process(popen, output)
        self._started.append(process)
        return process

    def node(self, folder: Path, *options: str, name: str = "", **config: str) -> Process:
        """A SuperNode with this folder. config: what else its node configuration has."""
        values = " ".join(f"{k}={json.dumps(v)}" for k, v in {"fedproof": str(folder), **config}.items())
        own = ("--host", "127.0.0.1", "--port", str(free_ports(1)[0]), "--node-config", values)
        where = ("--superlink", f"127.0.0.1:{self.port}")
        return self.start(
            name or f"node-{folder.name}", "flower-supernode", *self.link, *where, *own, *options
        )

    def run(self, name: str = "run", **config: object) -> Process:
        """`flwr run` of the app, with its log."""
        values = " ".join(f"{k}={json.dumps(v)}" for k, v in config.items())
        return self.start(name, "flwr", "run", str(APP), "here", "--stream", "--run-config", values)


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """`fedproof verify` of what a run released."""
    server = folder / "server"
    options: Mapping[str, Path] = {
        "model": server / "release" / "model.safetensors",
        "policy": server / "policy.toml",
        "trust": server / "trust.toml",
    }
    command = [sys.executable, "-m", "fedproof", "verify", str(server / "release" / "bundle"), "--json"]
    command += [f"--{name}={path}" for name, path in options.items()]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
