"""Where two policies or statements differ, in words."""

import pytest

from fedproof.policy.policy import Policy
from fedproof.provenance.differences import differences, policy_difference, short
from tests.provenance.world import POLICY

TEXT = POLICY.replace("PROVE", "bounded")
MINE = Policy.parse(TEXT)


def changed(*pairs: tuple[str, str]) -> bytes:
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return Policy.parse(text).to_bytes()


def test_fields_of_nested_ones() -> None:
    one, other = {"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "e": 4}
    assert list(differences(one, other)) == [("a.c", 2, 3), ("d", [1], None), ("e", None, 4)]
    assert list(differences(one, one)) == []


def test_what_is_long_is_cut() -> None:
    assert short([1]) == "[1]"
    assert len(short("x" * 500)) == 80


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("max_abs = 4095", "max_abs = 7"), "update.max_abs is 7 in the bundle's, 4095 in yours"),
        (("max = 10 ", "max = 11 "), "update.weights.max is 11 in the bundle's, 10 in yours"),
        (
            ('update = "bounded"', 'update = "opening"'),
            'prove.update is "opening" in the bundle\'s, "bounded" in yours',
        ),
    ],
)
def test_a_policys_field_is_named_with_both_values(pair: tuple[str, str], said: str) -> None:
    assert policy_difference(changed(pair), MINE) == said


def test_many_differences_are_counted() -> None:
    pairs = (
        ("max_abs = 4095", "max_abs = 7"),
        ("max_norm = 5000", "max_norm = 9"),
        ("min_accepted = 3", "min_accepted = 1"),
    )
    said = policy_difference(changed(*pairs, ("rounds = 3", "rounds = 0")), MINE)
    assert said.count(" is ") == 3
    assert said.endswith("; and 1 more differ")


@pytest.mark.parametrize("theirs", [b"", b"junk", MINE.to_bytes()[:-1]])
def test_a_policy_that_cannot_be_read_is_repeated_to_nobody(theirs: bytes) -> None:
    assert policy_difference(theirs, MINE) == "the bundle's cannot be read as a policy"
