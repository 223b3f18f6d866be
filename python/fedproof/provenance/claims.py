"""What a certificate claims, with coverage, and what it says it does not prove (spec/certificate.md §3, §4).

The residual is as important as the claims: `NOT_PROVEN` gives each a sentence for people.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from fedproof.encoding.text import Name
from fedproof.policy.policy import Policy

Decimal = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,19})$")]
"""A non-negative integer, as a string: some readers of JSON turn numbers into floats."""
Share = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,19})/(0|[1-9][0-9]{0,19})$")]
"""How many of how many."""

ClaimName = Literal[
    "UPDATES_BOUNDED",
    "UPDATES_OPENED",
    "UPDATES_MASKED",
    "AGGREGATE_EXACT",
    "MODEL_CHAIN",
    "PARTICIPANTS_ENDORSED",
]

CLAIMS: Final[dict[str, str]] = {
    "UPDATES_BOUNDED": "every update in the model obeyed the policy's bounds, per coordinate and in norm",
    "UPDATES_OPENED": "every update in the model was known to its client (the policy asks for no bounds)",
    "UPDATES_MASKED": "every update in the model left its client under masks that the clients took off a sum, by the policy's thresholds",
    "AGGREGATE_EXACT": "each round's total is exactly the weighted sum of the accepted updates",
    "MODEL_CHAIN": "the released file follows from the base model and the totals, bit for bit",
    "PARTICIPANTS_ENDORSED": "every accepted update was signed by an identity that a trusted endorser listed",
}

NOT_PROVEN: Final[dict[str, str]] = {
    "BASE_MODEL": "where the base model comes from and how it was trained",
    "CENSORSHIP": "that nobody was kept out: the aggregator chooses whom it asks and what reaches it",
    "CLIENT_CODE": "which program the clients ran",
    "COLLUSION": "privacy of updates against an aggregator in league with more clients than `colluders`, or of one that outweighs the rest",
    "DATA_QUALITY": "that the clients' data is right, fair, licensed or theirs",
    "DROPPED_ASSERTED": "that no valid answer came in time from those who were dropped: only the aggregator says so",
    "PROXIMAL_TERM": "that clients trained with FedProx's proximal term: the sum is that of FedAvg",
    "RUN_SELECTION": "that this run was not chosen among many",
    "TIMES_ASSERTED": "when rounds took place: the aggregator's clock says so, and only the clients of a round hold it to theirs",
    "TRAINING": "that updates come from honest training on any data",
    "UPDATES_READABLE_BY_AGGREGATOR": "privacy of the updates: the aggregator received each in clear",
    "WEIGHTS_SELF_DECLARED": "that clients hold as many records as their weights say",
}

_ALWAYS = (
    "BASE_MODEL",
    "CENSORSHIP",
    "CLIENT_CODE",
    "DATA_QUALITY",
    "DROPPED_ASSERTED",
    "RUN_SELECTION",
    "TIMES_ASSERTED",
    "TRAINING",
)


class Claim(BaseModel):
    """One claim and how far it reaches.

    rounds: rounds with a result, of all rounds on record. updates, weight: what the accepted updates are, of
    what was announced; what was not accepted is not in the model. distinct, endorsers: only for
    PARTICIPANTS_ENDORSED.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    claim: ClaimName
    rounds: Share
    updates: Share
    weight: Share
    distinct: Decimal | None = None
    endorsers: tuple[Name, ...] | None = None


def not_proven(policy: Policy) -> tuple[str, ...]:
    """What no certificate under this policy proves, sorted. Nothing in a bundle can shorten it."""
    codes = list(_ALWAYS)
    codes.append("COLLUSION" if policy.masking.enabled else "UPDATES_READABLE_BY_AGGREGATOR")
    if policy.update.weights.source == "declared":
        codes.append("WEIGHTS_SELF_DECLARED")
    if policy.aggregate.strategy == "FedProx":
        codes.append("PROXIMAL_TERM")
    return tuple(sorted(codes))
