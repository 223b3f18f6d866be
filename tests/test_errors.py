"""The exceptions: what a person reads, and that they survive a process boundary."""

import pickle

import pytest

from fedproof.errors import FedproofError, Malformed, Refused, UsageError


def test_refused_says_what_whose_when_and_why() -> None:
    error = Refused(
        "bounded update", "argument", "the proof is for another round", party="hospital-4", round=6
    )
    assert str(error) == (
        "bounded update of hospital-4 in round 6 refused at argument: the proof is for another round"
    )


def test_refused_leaves_out_what_is_not_known() -> None:
    assert str(Refused("model", "digest", "aa ≠ bb")) == "model refused at digest: aa ≠ bb"


def test_refused_says_nothing_twice() -> None:
    assert str(Refused("policy", "policy", "another one")) == "policy refused: another one"


def test_refused_survives_pickling() -> None:
    error = Refused("roster", "signature", "wrong key", party="a", round=0)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is Refused
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("kind", [Malformed, UsageError, Refused])
def test_one_handler_catches_them_all(kind: type[Exception]) -> None:
    assert issubclass(kind, FedproofError)
