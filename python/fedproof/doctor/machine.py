"""Versions, the proof core, ports and the clock of this machine. Nothing is asked of a network."""

from __future__ import annotations

import os
import platform
import socket
import tempfile
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import fedproof
from fedproof.doctor.finding import Examination
from fedproof.policy.policy import DEFAULT_SUITE
from fedproof.proofs import Context, bounded_update, commit
from fedproof.proofs.bounded_update import Bounds
from fedproof.round.client import CLOCK_SKEW

FLOWER = "1.41."
"""The release of Flower that this version was tested with."""
_SECONDS = 2
"""By which a file's time may differ from the clock without a word."""


def installed(package: str) -> str | None:
    """Its version, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_versions(at: Examination, flower: str | None, torch: str | None) -> None:
    """flower, torch: versions, none where they are not installed."""
    at.ok("python", platform.python_version())  # an older one than works does not come this far
    at.ok("fedproof", fedproof.__version__)
    if flower is None:
        at.ok("flwr", "not installed; needed for federations in Flower only")
    elif flower.startswith(FLOWER):
        at.ok("flwr", flower)
    else:
        at.warn(
            "flwr", f"{flower}, not a release that this version was tested with", f"install flwr {FLOWER}*"
        )
    at.ok("torch", torch or "not installed; fedproof itself needs none")


def check_core(at: Examination, environment: Mapping[str, str]) -> None:
    """Makes a small proof and verifies it."""

    def prove() -> int:
        ctx, bounds = Context(bytes(32), "doctor", 1), Bounds(100, 10_000, 0)
        commitment, opening = commit(DEFAULT_SUITE, np.array([3, -4, 5], np.int64))
        proof = bounded_update.prove(ctx, bounds, commitment, opening)
        bounded_update.verify(ctx, bounds, commitment, proof)
        return len(proof)

    do = "build the extension anew (make setup), and report it if it stays so"
    if at.attempt("proof core", do, prove) is None:
        return
    if environment.get("FEDPROOF_PORTABLE") == "1":
        told = "proves and verifies, by its portable code: FEDPROOF_PORTABLE=1 is set"
        at.warn("proof core", told, "unset FEDPROOF_PORTABLE, unless you compare the two: it is slower")
    else:
        at.ok("proof core", "proves and verifies")


def check_ports(at: Examination, ports: Iterable[int]) -> None:
    """Whether a server could take these TCP ports of 127.0.0.1; given back at once."""
    for port in ports:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
                tried.setsockopt(
                    socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
                )  # a connection's leftovers bar nobody
                tried.bind(("127.0.0.1", port))
                tried.listen(1)
        except OSError as error:
            do = "end what listens there, or choose another"
            if isinstance(error, PermissionError):
                do = "choose one above 1023, or give the server the right to have it"
            at.problem(f"port {port}", error.strerror or str(error), do)
        else:
            at.ok(f"port {port}", "free on 127.0.0.1")


def check_clock(at: Examination, folder: Path) -> None:
    """The clock against the time that the file system gives a file in this folder. The file has no name where the system can do so, and
    is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"now")
            file.flush()
            difference = os.fstat(file.fileno()).st_mtime - time.time()
    except OSError as error:
        at.problem(
            "clock", f"no file can be written in {folder}: {error.strerror}", "give its owner the right to"
        )
        return
    told = f"the file system's time and this machine's differ by {abs(difference):.0f} s"
    if abs(difference) <= _SECONDS:
        at.ok("clock", "the file system's time agrees; no time server was asked")
    elif abs(difference) <= CLOCK_SKEW:
        at.warn("clock", told, "set both by one time service")
    else:
        at.problem("clock", told, f"set both by one time service: clients refuse what is {CLOCK_SKEW} s off")
