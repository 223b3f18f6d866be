"""Versions, core, ports and clock; and who calls home."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fedproof.doctor import machine
from fedproof.doctor.finding import Examination, Finding
from fedproof.doctor.machine import check_clock, check_core, check_ports, check_versions, installed
from fedproof.doctor.network import CALLS, PROBES, check_calls
from fedproof.errors import Refused


@pytest.fixture
def at() -> Examination:
    return Examination("machine")


def levels(at: Examination) -> dict[str, str]:
    return {f.what: f.level for f in at.findings}


@pytest.mark.parametrize(
    ("flower", "level"),
    [
        (None, "ok"),
        ("1.41.0", "ok"),
        ("1.41.3", "ok"),
        ("1.4.0", "warning"),
        ("1.42.0", "warning"),
        ("2.0", "warning"),
    ],
)
def test_another_flower_is_told(at: Examination, flower: str | None, level: str) -> None:
    check_versions(at, flower, None)
    assert levels(at) == {"python": "ok", "fedproof": "ok", "flwr": level, "torch": "ok"}


def test_what_is_installed_is_not_imported() -> None:
    assert installed("numpy") == machine.np.__version__
    assert installed("no-such-package") is None


def test_the_core_proves(at: Examination, monkeypatch: pytest.MonkeyPatch) -> None:
    check_core(at, {})
    check_core(at, {"FEDPROOF_PORTABLE": "0"})
    check_core(at, {"FEDPROOF_PORTABLE": "1"})

    def broken(*_: object) -> None:
        raise Refused("bounded update", "argument", "the proof does not hold")

    monkeypatch.setattr(machine.bounded_update, "verify", broken)
    check_core(at, {})
    assert [f.level for f in at.findings] == ["ok", "ok", "warning", "problem"]


def test_a_port_that_is_taken(at: Examination) -> None:
    with socket.socket() as taken, socket.socket() as other:
        for each in (taken, other):
            each.bind(("127.0.0.1", 0))
        taken.listen(1)
        busy, free = (each.getsockname()[1] for each in (taken, other))
        other.close()
        check_ports(at, [busy, free])
        assert levels(at) == {f"port {busy}": "problem", f"port {free}": "ok"}
    with socket.socket() as after:
        after.bind(("127.0.0.1", free))  # it was given back


def test_a_port_that_only_root_may_take(at: Examination, monkeypatch: pytest.MonkeyPatch) -> None:
    class Barred(socket.socket):
        def bind(self, *_: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine.socket, "socket", Barred)
    check_ports(at, [80])
    assert (levels(at), "above 1023" in at.findings[0].do) == ({"port 80": "problem"}, True)


@pytest.mark.parametrize(("off", "level"), [(0, "ok"), (60, "warning"), (-60, "warning"), (900, "problem")])
def test_a_clock_that_is_off(
    at: Examination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: int, level: str
) -> None:
    clock = machine.time.time
    monkeypatch.setattr(machine.time, "time", lambda: clock() + off)
    check_clock(at, tmp_path)
    assert levels(at) == {"clock": level}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(
    at: Examination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def barred(**_: Any) -> Iterator[None]:
        raise PermissionError(13, "Permission denied")
        yield

    monkeypatch.setattr(tempfile, "TemporaryFile", barred)
    check_clock(at, tmp_path)
    assert (levels(at), "no file can be written" in at.findings[0].told) == ({"clock": "problem"}, True)


QUIET = {call.variable: call.value for call in CALLS}
ALL = {"flwr": "1.41.0", "ray": "2.51.1"}


def told(environment: dict[str, str], versions: dict[str, str | None]) -> dict[str, Finding]:
    at = Examination("network")
    check_calls(at, environment, versions)
    return {f.what: f for f in at.findings}


def test_nobody_calls_home_who_is_not_there() -> None:
    assert {f.level for f in told({}, {"flwr": None}).values()} == {"ok"}


def test_everybody_calls_home_who_is_not_told_otherwise() -> None:
    found = told({}, {**ALL})
    assert {f.level for f in found.values()} == {"warning"}
    for call in CALLS:
        assert f"export {call.variable}={call.value}" in found[call.name].do
    assert set(QUIET.items()) == {
        ("FLWR_TELEMETRY_ENABLED", "0"),
        ("FLWR_DISABLE_UPDATE_CHECK", "1"),
        ("FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION", "1"),
        ("RAY_USAGE_STATS_ENABLED", "0"),
    }


def test_what_nothing_stops_is_said() -> None:
    found = told(QUIET, {**ALL})
    assert {name for name, f in found.items() if f.level != "ok"} == {PROBES}
    assert "nothing here stops it" in found[PROBES].told


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.variable)
def test_a_value_that_stops_nothing(call: Any) -> None:
    wrong = "0" if call.value == "1" else "1"
    assert told({**QUIET, call.variable: wrong}, {**ALL})[call.name].level == "warning"


def test_the_environment_is_only_read() -> None:
    before = dict(os.environ)
    told(QUIET, {**ALL})
    assert dict(os.environ) == before
