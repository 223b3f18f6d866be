"""Runs every check and prints one summary; what `make test` calls once the environment stands.

All stages run, also after one has failed; those of Rust, then PyTorch, beside those of Python, since neither
keeps two cores busy. The exit status is 0 only if all of them passed. The last line
counts tests (of Rust and of Python); a stage that failed without a failing test of its own counts as one
failure.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    """One check: what it is called, the command, how its tests are counted, and a program that a machine may lack: then it is not run,
    and the summary says so, and why where `lack` says more than that."""

    name: str
    command: tuple[str, ...]
    count: Callable[[str], Counts] = no_tests
    needs: str = ""
    lack: str = ""

    @property
    def absent(self) -> bool:
        """Whether this machine lacks what it needs."""
        return bool(self.needs) and shutil.which(self.needs) is None


# Without the examples, which clippy reads and whose building takes a minute; there are no tests in documentation.
CARGO_TEST = (
    *("cargo", "test", "--package", "fedproof-core", "--features", "programmable-oracle"),
    *("--lib", "--tests"),
)

# Three processes on two cores: the engine uses all cores by itself, but much of a test is Python, and those of Flower mostly wait.
# Each begins with its share of the files, so that what a module or a session prepares is mostly made once, and takes from another's end
# when it is done.
SIDE_BY_SIDE = ("-n", "3", "--dist", "worksteal", "--durations=10")
BESIDE = (
    Stage("cargo fmt", ("cargo", "fmt", "--all", "--check")),
    Stage(
        "clippy",
        ("cargo", "clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"),
    ),
    # With what only test builds have: hooks for dishonest provers, and a simulator's oracle.
    Stage(
        "clippy tests",
        (
            *("cargo", "clippy", "--quiet", "--package", "fedproof-core", "--all-targets", "--all-features"),
            *("--", "--deny", "warnings"),
        ),
    ),
    Stage("cargo test", CARGO_TEST, cargo_counts),
    # The portable code, which other processors run, is the oracle of the vector kernel.
    Stage("cargo test, portable", ("env", "FEDPROOF_PORTABLE=1", *CARGO_TEST), cargo_counts),
    # A build of its own, in which single checks can be dropped: nothing else may ever use it.
    Stage(
        "dishonest",
        (
            *("cargo", "test", "--package", "fedproof-core", "--features", "drop-checks"),
            *("--test", "dishonest"),
        ),
        cargo_counts,
    ),
    # Building it takes minutes, so nothing installs it: tests/test_supply.py holds the same lists everywhere. Its database of advisories
    # is a clone from the network; `cargo deny check advisories` is for whoever has one.
    Stage(
        "cargo deny",
        ("cargo", "deny", "--all-features", "check", "licenses", "bans", "sources"),
        needs="cargo-deny",
    ),
    # PyTorch has an environment of its own, where there is room for it (Makefile); tests/conftest.py keeps these from the stage above.
    Stage(
        "torch",
        (TORCH, "-m", "pytest", "-q", *SIDE_BY_SIDE, "tests/torch"),
        pytest_counts,
        needs=TORCH,
        lack="PyTorch takes 12 GB of disk that are not free: no .venv-torch was made",
    ),
)
PYTHON = (
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
)
STAGES = BESIDE + PYTHON


@dataclass(frozen=True)
class Outcome:
    """How a stage went."""

    stage: Stage
    succeeded: bool
    seconds: float
    counts: Counts


def run(stage: Stage, *, live: bool) -> Outcome:
    """Runs one stage. live: its output is passed on as it comes, else all at once at its end."""
    heading = f"\n=== {stage.name}: {' '.join(stage.command)}\n"
    if live:
        print(heading, end="", flush=True)
    started = time.monotonic()
    output: list[str] = []

    def tell(line: str) -> None:
        output.append(line)
        if live:
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
    if not live:
        print(heading + "".join(output), end="", flush=True)
    return Outcome(stage, succeeded, time.monotonic() - started, counts)


def main(arguments: list[str]) -> int:
    """Runs the stages whose names are given, or all of them."""
    known = {stage.name for stage in STAGES}
    if unknown := set(arguments) - known:
        print(f"no such stage: {', '.join(sorted(unknown))}; there are: {', '.join(s.name for s in STAGES)}")
        return 2
    absent = [
        stage for stage in STAGES if stage.absent and not arguments
    ]  # who asks for one by name gets it, or its error
    stages = [stage for stage in STAGES if (not arguments or stage.name in arguments) and stage not in absent]
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(lambda: [run(stage, live=False) for stage in stages if stage in BESIDE])
        python = [run(stage, live=True) for stage in stages if stage in PYTHON]
        outcomes = others.result() + python
    total = sum((outcome.counts for outcome in outcomes), Counts())

    print("\n=== summary")
    for outcome in outcomes:
        tests = f"  {outcome.counts.passed} tests" if outcome.counts.passed else ""
        verdict = "passed" if outcome.succeeded else "FAILED"
        print(f"{verdict}  {outcome.stage.name:<14} {outcome.seconds:7.1f} s{tests}")
    for stage in absent:
        print(f"not run {stage.name:<14} {stage.lack or f'{stage.needs} is not installed'}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 0 if all(outcome.succeeded for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
