"""`fedproof policy calibrate` as a shell sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedproof.encoding.digest import sha256
from fedproof.model.base import save_base
from fedproof.policy.policy import Policy
from tests.cli.command import fedproof

BASE = {"w": np.zeros(40, np.float32), "b": np.zeros(4, np.float32), "steps": np.zeros(2, np.int64)}


def trained(seed: int, size: float = 0.01) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        n: a if a.dtype == np.int64 else rng.normal(0, size, a.shape).astype(np.float32)
        for n, a in BASE.items()
    }


@pytest.fixture
def dry(tmp_path: Path) -> Path:
    """Twenty clients' updates of two rounds; the last of them goes ten times too far in the second."""
    save_base(tmp_path / "base.safetensors", BASE)
    for number in (0, 1):
        folder = tmp_path / "dry" / f"round-{number}"
        folder.mkdir(parents=True)
        save_base(folder / "start.safetensors", BASE)
        for k in range(20):
            size = 0.1 if (number, k) == (1, 19) else 0.01
            save_base(folder / f"c{k:02}.safetensors", trained(20 * number + k, size))
            (folder / f"c{k:02}.json").write_text(json.dumps({"weight": k + 1}))
    return tmp_path


def calibrated(dry: Path, *more: str) -> subprocess.CompletedProcess[str]:
    files = (f"--base={dry / 'base.safetensors'}", f"--out={dry / 'policy.toml'}")
    return fedproof("policy", "calibrate", dry / "dry", "--federation=tests", *files, *more)


def test_it_writes_a_policy_that_the_updates_keep(dry: Path) -> None:
    ran = calibrated(dry, "--rounds=7", "--min-accepted=3", "--deadline-seconds=60", "--json")
    assert ran.returncode == 0, ran.stdout
    told = json.loads(ran.stdout)
    policy = Policy.load(dry / "policy.toml")
    assert policy.base_digest == sha256((dry / "base.safetensors").read_bytes())
    assert (policy.federation, policy.round.rounds, policy.round.min_accepted) == ("tests", 7, 3)
    assert (policy.round.deadline_seconds, policy.update.weights.max) == (60, 20)
    assert told["update"] == policy.update.model_dump()
    assert told["digest"] == fedproof("policy", "digest", dry / "policy.toml").stdout.strip()
    cut = [u for u in told["updates"] if not u["unchanged"]]
    assert [(u["round"], u["client"]) for u in cut] == [(1, "c19")]
    assert 0.05 < cut[0]["norm_kept"] < 0.2
    assert (told["unchanged"], told["cost"], len(told["clients"])) == (39, [], 20)
    assert max(u["rounding"] for u in told["updates"]) < 1e-3


def test_what_it_prints(dry: Path) -> None:
    (dry / "dry" / "metrics-plain.json").write_text('{"accuracy": [0.5, 0.8]}')
    (dry / "dry" / "metrics-clipped.json").write_text('{"accuracy": [0.25, 0.75]}')
    text = calibrated(dry).stdout
    for said in (
        "39 of 40 updates stay as they are",
        "What clipping costs",
        "-0.05",
        "0.25 in round 0",
        "policy.toml",
    ):
        assert said in text
    row = next(line for line in text.splitlines() if "c19" in line)
    assert "1/2" in row
    written = (dry / "policy.toml").read_text()
    assert "95% of the updates are no longer than max_norm / 1.1" in written
    assert "from 40 updates of 2 rounds" in written


def test_nothing_is_written_over_and_nothing_by_halves(dry: Path) -> None:
    (dry / "policy.toml").write_text("mine")
    ran = calibrated(dry)
    assert (ran.returncode, "exists" in ran.stderr) == (2, True)
    assert (dry / "policy.toml").read_text() == "mine"
    (dry / "policy.toml").unlink()
    for wrong in (
        "--federation=No",
        "--quantile=0",
        "--norm-room=0.5",
        "--max-weight=0",
        "--rounds=-1",
        "--frozen=no*",
    ):
        assert calibrated(dry, wrong).returncode == 2, wrong
    (dry / "dry" / "metrics-clipped.json").write_text('{"accuracy": [0.5]}')
    assert calibrated(dry).returncode == 2
    (dry / "dry" / "metrics-clipped.json").unlink()
    assert not (dry / "policy.toml").exists()


def test_options_change_what_is_proposed(dry: Path) -> None:
    told = json.loads(calibrated(dry, "--quantile=1", "--max-weight=99", "--frozen=b", "--json").stdout)
    assert told["unchanged"] == 40
    policy = Policy.load(dry / "policy.toml")
    assert (policy.update.weights.max, policy.model.frozen) == (99, ("b",))


def test_an_update_that_is_not_finite_is_refused_by_name(dry: Path) -> None:
    weights = trained(1)
    weights["w"][3] = np.nan
    save_base(dry / "dry" / "round-1" / "c04.safetensors", weights)
    ran = calibrated(dry, "--json")
    assert ran.returncode == 1
    told = json.loads(ran.stdout)
    assert (told["object"], told["stage"], told["client"], told["round"]) == ("model", "decoding", "c04", 1)


def test_an_update_that_cannot_be_counted_is_named(dry: Path) -> None:
    save_base(dry / "dry" / "round-1" / "c04.safetensors", trained(1, 1e25))
    ran = calibrated(dry)
    assert (ran.returncode, "round 1, c04: a weight has no place in 2^53 units" in ran.stdout) == (0, True)
    (dry / "policy.toml").unlink()
    told = json.loads(calibrated(dry, "--json").stdout)
    assert [u["client"] for u in told["updates"] if not u["counted"]] == ["c04"]


def test_weights_whose_sum_could_overflow(dry: Path) -> None:
    for k in range(20):
        (dry / "dry" / "round-0" / f"c{k:02}.json").write_text(json.dumps({"weight": 1 << 32}))
    assert calibrated(dry).returncode == 0  # 20·2^32·2^15 is far below


def test_the_tables_fit(dry: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "fedproof",
        "policy",
        "calibrate",
        str(dry / "dry"),
        "--federation=tests",
    ]
    ran = subprocess.run(
        [*command, f"--base={dry / 'base.safetensors'}", "--out=policy.toml"],
        capture_output=True,
        text=True,
        check=True,
        cwd=dry,
        env={**os.environ, "COLUMNS": "80"},
    )
    lines = [line for line in ran.stdout.splitlines() if not line.startswith("policy: ")]
    assert max(map(len, lines)) <= 80
