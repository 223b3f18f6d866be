"""`fedproof demo --certified`: the whole story, as a machine reads it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    command = [sys.executable, "-m", "fedproof", "demo", "--certified", "--out", str(out), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), out


def test_the_cheats_are_refused_by_name(story: tuple[dict[str, object], Path]) -> None:
    told, _ = story
    refused = told["refused"]
    assert isinstance(refused, list)
    assert [(r["client"], r["object"], r["stage"]) for r in refused] == [
        ("hospital-2", "data certificate", "revoked"),
        ("hospital-3", "optimum", "argument"),
        ("hospital-4", "optimum", "argument"),
    ]


def test_the_bundle_verifies_and_the_receipt_too(story: tuple[dict[str, object], Path]) -> None:
    told, out = story
    assert told["verified"] is True
    assert told["receipt"]["verified"] is True  # type: ignore[index]
    claims = told["verify"]["claims"]  # type: ignore[index]
    assert [c["claim"] for c in claims] == ["DATA_CERTIFIED", "WEIGHTS_OPTIMAL", "ACCURACY_AT_LEAST"]
    # The list that revokes a cheat's data is what the verifier looked at.
    assert told["verify"]["revocations"][0]["list"] == 1  # type: ignore[index]
    assert {p.name for p in out.iterdir()} == {
        "bundle",
        "model.safetensors",
        "policy.toml",
        "revocations.cbor",
        "trust.toml",
    }
    assert (out / "model.safetensors").stat().st_mode & 0o777 == 0o600  # it holds the blinds
    assert told["accuracy"] > 0.95  # type: ignore[operator]
