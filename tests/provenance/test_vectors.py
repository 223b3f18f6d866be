"""Bundles of earlier versions go on verifying, with the same outcome."""

import json
from pathlib import Path

import pytest

from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.provenance import verify_bundle

VECTORS = sorted((Path(__file__).parents[2] / "vectors").glob("*/bundle"))


@pytest.mark.parametrize("folder", VECTORS, ids=lambda path: path.parent.name)
def test_a_bundle_of_an_earlier_version_verifies(folder: Path) -> None:
    report = verify_bundle(
        folder / "bundle",
        model=folder / "model.safetensors",
        policy=Policy.load(folder / "policy.toml"),
        trust=Trust.load(folder / "trust.toml"),
    ).to_json()
    del report["seconds"]
    assert report == json.loads((folder / "report.json").read_text())


def test_there_is_one() -> None:
    assert VECTORS
