"""Writes vectors/v1/bundle: a small certified bundle, with the model, policy and trust file that belong to it.

    python -m tests.provenance.make_vector vectors/v1/bundle

A bundle of a released version is never made anew: later versions must go on verifying it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fedproof.provenance import verify_bundle
from tests.provenance.world import POLICY, honest_bundle, play


def main(target: Path) -> None:
    """Two rounds: in the first an update is too long, in the second a proof is of another session."""
    target.mkdir(parents=True)
    world = play(rounds=2)
    bundle, model = honest_bundle(world, target)
    (target / "record.lock").unlink(missing_ok=True)
    for path in sorted((target / "record").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (target / "record").rmdir()
    text = POLICY.replace("PROVE", "bounded").replace("rounds = 3", "rounds = 2")
    (target / "policy.toml").write_text(text.lstrip())
    world.trust.save(target / "trust.toml")
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust).to_json()
    del report["seconds"]
    (target / "report.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
