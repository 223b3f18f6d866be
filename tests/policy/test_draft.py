"""Policies that programs propose are policies, and say what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.errors import Malformed
from fedproof.policy.draft import Draft
from fedproof.policy.policy import Policy

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(st.integers(0, 24), st.integers(1, 32767), st.integers(1, 1 << 40), st.lists(TEXT, max_size=3))
def test_what_is_written_is_what_was_asked_for(
    scale: int, max_abs: int, max_norm: int, frozen: list[str]
) -> None:
    draft = Draft("f", bytes(32), scale, max_abs, max_norm, 7, rounds=3, min_accepted=4, frozen=tuple(frozen))
    held = Policy.parse(draft.to_toml())
    assert (held.federation, held.base_digest, held.model.frozen) == ("f", bytes(32), tuple(frozen))
    assert (held.update.scale, held.update.max_abs, held.update.max_norm) == (scale, max_abs, max_norm)
    assert (held.update.weights.max, held.round.rounds, held.round.min_accepted) == (7, 3, 4)


def test_comments_stand_where_they_belong() -> None:
    text = Draft("f", bytes(32), 4, 8, 16, 1, origin=("from here",), comments={"max_abs": "why"}).to_toml()
    assert text.startswith("# from here\n")
    assert "\n# why\nmax_abs = 8  # bound on every coordinate: 0.5\n" in text
    assert "rounds = 0  # any number" in text


@pytest.mark.parametrize("wrong", ["No", "", 'f"\nversion = 2', "a b"])
def test_what_is_no_policy(wrong: str) -> None:
    with pytest.raises(Malformed):
        Draft(wrong, bytes(32), 4, 8, 16, 1).to_toml()
    with pytest.raises(Malformed):
        Draft("f", bytes(32), 25, 8, 16, 1).to_toml()
