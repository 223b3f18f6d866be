"""The worked example runs as it stands, and what it makes verifies."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_new_folder_the_example_says_so(tmp_path: Path) -> None:
    for arguments, told in (([], "usage: "), ([str(tmp_path)], f"{tmp_path}: File exists")):
        ran = subprocess.run(
            [sys.executable, str(ROOT / "examples/federation.py"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr[: len(told)], ran.stderr.count("\n")) == (2, told, 1)


def test_a_federation_of_your_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = subprocess.run(
        [sys.executable, str(ROOT / "examples/federation.py"), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("accepted") == 6
    options = [
        f"--{name}={out / file}"
        for name, file in (("model", "model.safetensors"), ("policy", "policy.toml"), ("trust", "trust.toml"))
    ]
    checked = subprocess.run(
        [sys.executable, "-m", "fedproof", "verify", str(out / "bundle"), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.rstrip().endswith("VERIFIED")
