"""What the libraries beneath a federation say to strangers, and what stops it. fedproof itself uses no network but where a command's
option says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fedproof.doctor.finding import Examination


@dataclass(frozen=True)
class Call:
    """package: whose call it is. what: it does. variable, value: what to set. silent: whether the variable's value, none where it is
    unset, stops it."""

    name: str
    package: str
    what: str
    variable: str
    value: str
    silent: Callable[[str | None], bool]

    @property
    def setting(self) -> str:
        """As a shell writes it."""
        return f"{self.variable}={self.value}"


CALLS = (
    Call(
        "Flower's telemetry",
        "flwr",
        "reports its use to Flower's makers",
        "FLWR_TELEMETRY_ENABLED",
        "0",
        lambda value: value is not None and value != "1",
    ),
    Call(
        "Flower's update check",
        "flwr",
        "asks Flower's makers for newer versions",
        "FLWR_DISABLE_UPDATE_CHECK",
        "1",
        lambda value: value == "1",
    ),
    Call(
        "Flower's installations",
        "flwr",
        "installs what an app asks for, from package registries, when a run begins",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION",
        "1",
        lambda value: value == "1",
    ),
    Call(
        "Ray's usage statistics",
        "ray",
        "reports its use to Ray's makers",
        "RAY_USAGE_STATS_ENABLED",
        "0",
        lambda value: value == "0",
    ),
)

PROBES = "Ray's cloud probes"


def check_calls(at: Examination, environment: Mapping[str, str], versions: Mapping[str, str | None]) -> None:
    """environment: the variables of this process; those of a server or a node may be others. versions: of packages, none where one is not
    installed."""
    for call in CALLS:
        if versions.get(call.package) is None:
            at.ok(call.name, f"{call.package} is not installed")
        elif call.silent(environment.get(call.variable)):
            at.ok(call.name, f"stopped by {call.variable}={environment[call.variable]}")
        else:
            at.warn(call.name, call.what, f"export {call.setting} where servers and nodes are started")
    if versions.get("ray") is None:
        at.ok(PROBES, "ray is not installed")
    else:
        told = "in simulation Ray asks cloud-metadata addresses what machine this is, whatever is set; nothing here stops it"
        do = "where that matters, bar 169.254.169.254 and metadata.google.internal outside, or run SuperNodes instead"
        at.warn(PROBES, told, do)
