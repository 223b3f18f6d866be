"""What a check found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from fedproof.encoding.text import printable
from fedproof.errors import FedproofError

Level = Literal["ok", "warning", "problem"]
T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """where: the machine, or whose folder. what: was checked. told: what was found. do: what to do about it; empty where all is well."""

    where: str
    what: str
    level: Level
    told: str
    do: str = ""


@dataclass
class Examination:
    """Findings at one place, in the order in which they were made."""

    where: str
    findings: list[Finding] = field(default_factory=list)

    def ok(self, what: str, told: str) -> None:
        """All is well."""
        self.findings.append(Finding(self.where, what, "ok", printable(told)))

    def warn(self, what: str, told: str, do: str) -> None:
        """It works, and somebody should know."""
        self.findings.append(Finding(self.where, what, "warning", printable(told), printable(do)))

    def problem(self, what: str, told: str, do: str) -> None:
        """It will not work, or not be safe."""
        self.findings.append(Finding(self.where, what, "problem", printable(told, 1000), printable(do)))

    def attempt(self, what: str, do: str, work: Callable[[], T]) -> T | None:
        """The work's result; if it raises one of the package's errors, a problem and nothing."""
        try:
            return work()
        except FedproofError as error:
            self.problem(what, str(error), do)
        except OSError as error:
            self.problem(what, f"{error.filename or ''}: {error.strerror or error}", do)
        return None
