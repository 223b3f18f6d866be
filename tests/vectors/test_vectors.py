"""Every committed vector, good and bad, gets from the engine the answer that it expects. (The second verifier reads the same files in
tests/reference.) Vectors of released versions stay here: old proofs remain verifiable."""

from pathlib import Path

import pytest

from tests.vectors.make import bad, good
from tests.vectors.vectors import FOLDER, check, expected, read

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_committed_vector(path: Path) -> None:
    vector = read(path)
    assert check(vector) == expected(vector)


def test_there_are_good_and_bad_ones_of_every_relation() -> None:
    seen = {(v["relation"], expected(v) == "accept") for v in map(read, FILES)}
    relations = {name for name, _ in seen}
    assert relations > {
        "accuracy",
        "bounded update",
        "consistent masking",
        "honest aggregate",
        "optimum",
        "plain opening",
        "receipt",
    }
    assert seen == {(name, good) for name in relations for good in (False, True)}


def test_fresh_vectors_of_the_same_kinds() -> None:
    """The committed files are what the maker makes today, but for the blinds."""
    made = {f"good_{name}": v for name, v in good().items()}
    made |= {f"bad_{n}": v for n, v in bad({k.removeprefix("good_"): v for k, v in made.items()}).items()}
    assert set(made) == {p.stem for p in FILES if not p.stem.startswith("good_reference_")}
    assert [name for name, v in made.items() if check(v) != expected(v)] == []
