"""What people read fits into 80 columns: no line is longer, no row of the live table breaks."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from fedproof.cli.app import MODULES
from fedproof.cli.demo import _summary, _View
from fedproof.cli.verify import show
from fedproof.demo.federation import Answer, Outcome, RoundDone
from fedproof.demo.timing import PARTS, Timing
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.provenance.verify import verify_bundle

KEPT = Path(__file__).resolve().parents[2] / "vectors" / "v1" / "bundle"
REASON = "bounded update: the proof does not hold: what it claims is false, or it was made for another round, client or policy"
CHEATS = (
    Answer(
        "hospital-4",
        3,
        False,
        REASON,
        41.0,
        17.0,
        5763,
        "its update times 50, with a proof forced out of the prover",
    ),
    Answer(
        "hospital-4",
        6,
        False,
        REASON,
        41.0,
        17.0,
        5763,
        "update and proof of the round before, under a fresh signature",
    ),
)


def narrow(*arguments: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-m", "fedproof", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    return ran.stdout.splitlines()


@pytest.fixture
def console() -> Console:
    return Console(width=80, height=50, file=io.StringIO(), highlight=False)


def written(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_verify() -> None:
    public = [f"--{n}={KEPT / f}" for n, f in (("policy", "policy.toml"), ("trust", "trust.toml"))]
    lines = narrow("verify", str(KEPT / "bundle"), f"--model={KEPT / 'model.safetensors'}", *public)
    assert lines[-1] == "VERIFIED"
    assert max(map(len, lines)) == 80
    assert [line for line in lines if "endorsed by" in line and "distinct" in line]


@pytest.mark.parametrize(
    ("void", "told"),
    [
        (0, ["rounds  2"]),
        (1, ["rounds  2, 1 of them void"]),
        (2, ["rounds  2, 2 of them void", "        no round has a sum: the model is the base model"]),
    ],
)
def test_verify_says_where_there_are_no_sums(console: Console, void: int, told: list[str]) -> None:
    policy, trust = Policy.load(KEPT / "policy.toml"), Trust.load(KEPT / "trust.toml")
    report = verify_bundle(KEPT / "bundle", model=KEPT / "model.safetensors", policy=policy, trust=trust)
    predicate = report.statement.predicate
    rounds = predicate.rounds.model_copy(update={"void": str(void)})
    said = report.statement.model_copy(update={"predicate": predicate.model_copy(update={"rounds": rounds})})
    show(console, replace(report, statement=said))
    lines = written(console)
    assert lines[-len(told) - 2 : -2] == told
    assert lines[-2].startswith("checked in ")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", "masks   sums of at least 4 updates, with at most 1 colluder"),
        ("agree_first = false", "masks   sums of at least 2 honest updates, with at most 1 colluder"),
    ],
)
def test_verify_says_what_masks_rest_on(console: Console, more: str, told: str) -> None:
    policy, trust = Policy.load(KEPT / "policy.toml"), Trust.load(KEPT / "trust.toml")
    report = verify_bundle(KEPT / "bundle", model=KEPT / "model.safetensors", policy=policy, trust=trust)
    text = (KEPT / "policy.toml").read_text() + f"[masking]\nenabled = true\n{more}\n"
    show(console, replace(report, policy=Policy.parse(text)))
    assert told in written(console)


def test_the_summaries_of_the_commands_are_whole() -> None:
    lines = narrow("--help")
    assert max(map(len, lines)) <= 80
    listed = lines[lines.index("Commands:") + 1 :]
    assert len(listed) == len(MODULES)  # none goes on in a second line
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_policy_check() -> None:
    lines = narrow("policy", "check", str(KEPT / "policy.toml"))
    assert lines[0].startswith("valid")
    assert max(map(len, lines)) <= 80


def test_the_demos_summary(console: Console) -> None:
    timing = Timing(dict.fromkeys(PARTS, 123.45), 0.05)
    _summary(console, Outcome(10, 68, CHEATS, 0.979, 0.979, 513, timing))
    lines = written(console)
    assert sum("hospital-4" in line for line in lines) == 2
    assert [line for line in lines if "times 50" in line]
    assert [line for line in lines if line.startswith("  certificate")]
    assert max(map(len, lines)) <= 80


def test_the_demos_live_table(console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:
        view = _View(live)
        for k in range(1, 8):
            view.tell(
                CHEATS[0] if k == 4 else Answer(f"hospital-{k}", 3, True, "", 1234.0, 1234.0, 12345, "")
            )
        view.tell(RoundDone(3, 6, 0.958))
        view.finish()
    lines = written(console)
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if "hospital-" in line]
    assert len(rows) == 8  # seven of this round, and the one that was refused beside its round
    assert len([line for line in rows if "bounded update" in line]) == 2
