"""Who is not in the model, and why."""

from dataclasses import replace

from fedproof.provenance.report import left_out
from fedproof.round.messages import Dropped
from fedproof.round.rules import named
from fedproof.round.verify import RoundReport

SILENT = Dropped(client="bob", kind="dropped", subject="upload", stage="deadline", reason="silent")


def report(*, void: bool) -> RoundReport:
    people = (("ada", 3), ("bob", 5))
    return RoundReport(4, 0, bytes(32), void, people, (("ada", 3),), (SILENT,), (), 1, 2)


def test_in_a_void_round_everybody_is_left_out() -> None:
    assert [(u.client, u.kind) for u in left_out(report(void=False), 2)] == [("bob", "dropped")]
    left = left_out(report(void=True), 2)
    assert [(u.client, u.kind, u.rechecked) for u in left] == [
        ("bob", "dropped", False),
        ("ada", "void", True),
    ]


def test_where_the_evidence_is() -> None:
    """In the report for machines, so that nobody has to read it out of a sentence."""
    digest = bytes(range(32))
    left, silent = left_out(
        replace(report(void=False), dropped=(named("ada", "wrong-row", digest), SILENT)), 2
    )
    assert (left.kind, left.stage, left.evidence) == ("named", "wrong-row", digest.hex())
    assert silent.evidence == ""


def test_why_a_sum_stayed_closed_nobody_can_check() -> None:
    """Enough were accepted: that no sum opened is what the aggregator says."""
    left = left_out(report(void=True), 1)[-1]
    assert (left.client, left.kind, left.rechecked) == ("ada", "void", False)
    assert "its sum did not open: the aggregator's word" in left.reason
