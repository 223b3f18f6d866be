"""Runs every check and prints one summary; what `make test` calls once the environment stands.

All stages run, also after one has failed. The exit status is 0 only if all of them passed. The last line counts tests (of Rust and of
Python); a stage that failed without a failing test of its own counts as one failure.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
TORCH = str(ROOT / ".venv-torch" / "bin" / "python")


@dataclass(frozen=True)
class Counts:
    """Tests that passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def no_tests(_output: str) -> Counts:
    """For a stage that is one check."""
    return Counts()


def cargo_counts(output: str) -> Counts:
    """Adds up the result line of every test binary."""
    found = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", output, re.MULTILINE)
    return sum((Counts(*map(int, row)) for row in found), Counts())


def pytest_counts(output: str) -> Counts:
    """Reads pytest's last line; errors in fixtures and in collection count as failures."""
    lines = [line for line in output.splitlines() if re.search(r"\bin \d+\.\d+s\b", line)]
    last = lines[-1] if lines else ""

    def number(*words: str) -> int:
        return sum(int(n) for word in words for n in re.findall(rf"(\d+) {word}\b", last))

    return Counts(
        number("passed", "xpassed"), number("failed", "errors", "error"), number("skipped", "xfailed")
    )


def vector_counts(output: str) -> Counts:
    """Reads the second verifier's last line."""
    found = re.findall(r"^(\d+) of (\d+) vectors came out as expected", output, re.MULTILINE)
    return sum((Counts(int(good), int(total) - int(good)) for good, total in found), Counts())


@dataclass(frozen=True)
class Stage:
    """One check: what it is called, the command, how its tests are counted, and what this machine lacks for it: then it is not run, and
    the summary says why."""

    name: str
    command: tuple[str, ...]
    count: Callable[[str], Counts] = no_tests
    lack: str = ""


# Without the examples, which clippy reads and whose building takes a minute; there are no tests in documentation.
# With what only test builds have: hooks for dishonest provers, and a simulator's oracle.
CARGO_TEST = ("cargo", "test", "--package", "fedproof-core", "--all-features", "--lib", "--tests")

# Three processes on two cores: the engine uses all cores by itself, but much of a test is Python, and those of Flower mostly wait.
# Each begins with its share of the files, so that what a module or a session prepares is mostly made once, and takes from another's end
# when it is done.
SIDE_BY_SIDE = ("-n", "3", "--dist", "worksteal", "--durations=10")
CPU = Path("/proc/cpuinfo")
STAGES = (
    Stage("cargo fmt", ("cargo", "fmt", "--all", "--check")),
    Stage(
        "clippy",
        ("cargo", "clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"),
    ),
    Stage(
        "clippy tests",
        (
            *("cargo", "clippy", "--quiet", "--package", "fedproof-core", "--all-targets", "--all-features"),
            *("--", "--deny", "warnings"),
        ),
    ),
    Stage("cargo test", CARGO_TEST, cargo_counts),
    # The portable code, which other processors run, is the oracle of the vector kernel.
    Stage(
        "cargo test, portable",
        ("env", "FEDPROOF_PORTABLE=1", *CARGO_TEST, "--", "--skip", "dishonest::"),
        cargo_counts,
        lack=""
        if not CPU.exists() or "avx512ifma" in CPU.read_text()
        else "without AVX-512 IFMA the stage before it ran portable code already",
    ),
    # Building it takes minutes, so nothing installs it: tests/test_supply.py holds the same lists everywhere. Its database of advisories
    # is a clone from the network; `cargo deny check advisories` is for whoever has one.
    Stage(
        "cargo deny",
        ("cargo", "deny", "--all-features", "check", "licenses", "bans", "sources"),
        lack="" if shutil.which("cargo-deny") else "cargo-deny is not installed",
    ),
    Stage("ruff check", (str(BIN / "ruff"), "check", ".")),
    Stage("ruff format", (str(BIN / "ruff"), "format", "--check", ".")),
    Stage("mypy --strict", (str(BIN / "mypy"), "--strict", "python/fedproof", "reference")),
    Stage("stubs", (str(BIN / "python"), "-m", "mypy.stubtest", "fedproof._core")),
    Stage("vectors", (str(BIN / "python"), "-m", "reference.check_vectors", "vectors/v1"), vector_counts),
    Stage(
        "pytest",
        (str(BIN / "python"), "-m", "pytest", "-q", *SIDE_BY_SIDE),
        pytest_counts,
    ),
    # PyTorch has an environment of its own, where there is room for it (Makefile); tests/conftest.py keeps these from the stage above.
    Stage(
        "torch",
        (TORCH, "-m", "pytest", "-q", *SIDE_BY_SIDE, "tests/torch"),
        pytest_counts,
        lack=""
        if shutil.which(TORCH)
        else "PyTorch takes 12 GB of disk that are not free: no .venv-torch was made",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How a stage went."""

    stage: Stage
    succeeded: bool
    seconds: float
    counts: Counts


def run(stage: Stage) -> Outcome:
    """Runs one stage, and passes its output on as it comes."""
    print(f"\n=== {stage.name}: {' '.join(stage.command)}", flush=True)
    started = time.monotonic()
    output: list[str] = []

    def tell(line: str) -> None:
        output.append(line)
        print(line, end="", flush=True)

    environment = os.environ | {"PYTHONUNBUFFERED": "1", "CARGO_TERM_COLOR": "never", "NO_COLOR": "1"}
    try:
        with subprocess.Popen(
            stage.command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                tell(line)
        succeeded = process.returncode == 0
    except OSError as error:
        tell(f"{stage.command[0]} can't be started: {error}\n")
        succeeded = False
    counts = stage.count("".join(output))
    if stage.count is not no_tests and counts.passed + counts.failed == 0:
        tell(f"{stage.name} ran no test\n")
        succeeded = False
    if not succeeded and counts.failed == 0:
        counts += Counts(failed=1)
    return Outcome(stage, succeeded, time.monotonic() - started, counts)


def main(arguments: list[str]) -> int:
    """Runs the stages whose names are given, or all of them."""
    known = {stage.name for stage in STAGES}
    if unknown := set(arguments) - known:
        print(f"no such stage: {', '.join(sorted(unknown))}; there are: {', '.join(s.name for s in STAGES)}")
        return 2
    # Who asks for one by name gets it, or its error.
    absent = [stage for stage in STAGES if stage.lack and not arguments]
    outcomes = [
        run(stage) for stage in STAGES if (stage.name in arguments if arguments else stage not in absent)
    ]
    total = sum((outcome.counts for outcome in outcomes), Counts())

    print("\n=== summary")
    for outcome in outcomes:
        tests = f"  {outcome.counts.passed} tests" if outcome.counts.passed else ""
        verdict = "passed" if outcome.succeeded else "FAILED"
        print(f"{verdict}  {outcome.stage.name:<14} {outcome.seconds:7.1f} s{tests}")
    for stage in absent:
        print(f"not run {stage.name:<14} {stage.lack}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 0 if all(outcome.succeeded for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
