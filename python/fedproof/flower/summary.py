"""What becomes of a round, for whoever runs the app."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from flwr.app import MetricRecord

from fedproof.encoding.text import printable
from fedproof.errors import Refused
from fedproof.flower.wire import Step
from fedproof.round.messages import Result

_log = logging.getLogger("flwr")
_TOLD = 300
_LEAVES: dict[Step, str] = {
    "evaluate": "is not evaluated",
    "adopt": "is not known to be up to date",
    "open": "says nothing of the masks",
}


@dataclass
class RoundSummary:
    """What became of a round. round: from 1, as Flower counts. accepted: clients. unopened: of a masked round that is void, why its sum did
    not open. left: why others are out of it, by client, or by "node <id>" where a node did not say who it is. named: of those, clients that
    evidence in the record names. silent: why clients whose uploads are in did not help to open the sum; they count all the same.
    not_evaluated: as left, of the evaluation after it. metrics: of accepted clients, as the app returned them, unproved. seconds: by part;
    what nodes measured is the longest that one of them told. bytes: of all uploads, and of what opened them."""

    round: int
    accepted: tuple[str, ...] = ()
    void: bool = False
    unopened: str = ""
    left: dict[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    silent: dict[str, str] = field(default_factory=dict)
    not_evaluated: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, MetricRecord] = field(default_factory=dict, repr=False)
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: int = 0

    def leave(self, name: str, reason: str, step: Step = "train") -> None:
        """name: a client's, or "node <id>". step: of which it is not part any more."""
        told = printable(reason, _TOLD)
        where = {"evaluate": self.not_evaluated, "open": self.silent}.get(step, self.left)
        where[name] = told
        _log.warning("\t> %s %s: %s", name, _LEAVES.get(step, "leaves the round"), told)

    def close(self, result: Result, unopened: Refused | None, metrics: dict[str, MetricRecord]) -> None:
        """What stands on record counts: a reason there is the one that everybody can read. unopened: why no sum opened."""
        self.void = result.void
        self.unopened = printable(str(unopened), _TOLD) if unopened is not None else ""
        self.accepted = tuple(a.client for a in result.accepted)
        self.named = tuple(d.client for d in result.dropped if d.kind == "named")
        self.metrics = {name: metrics[name] for name in self.accepted if name in metrics}
        for dropped in result.dropped:
            if dropped.kind != "dropped":
                told = (
                    f"{dropped.subject} refused: {dropped.reason}"
                    if dropped.kind == "refused"
                    else dropped.reason
                )
                self.left[dropped.client] = printable(told, _TOLD)
                _log.warning("\t> %s leaves the round: %s", dropped.client, self.left[dropped.client])
            else:
                self.left.setdefault(dropped.client, printable(dropped.reason, _TOLD))
