"""Who takes part in a round, of those that said they are ready (spec/round.md §3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed, claimed_client
from fedproof.round.chain import Chain
from fedproof.round.masked import most_participants
from fedproof.round.messages import Participant
from fedproof.round.rules import Call, check_ready

_TOLD = 4
"""Reasons that one message gives."""


def participants(
    readies: Iterable[Signed], chain: Chain, roster: Roster, call: Call, now: int
) -> tuple[list[Participant], list[Refused | Malformed]]:
    """Those whose `Ready` is in order, sorted by name; and why others are left out. The same message twice counts once; of two different
    ones of a client the first stands. now: Unix seconds."""
    ready: dict[str, Participant] = {}
    owners: dict[bytes, str] = {}
    refused: list[Refused | Malformed] = []
    most = most_participants(chain.policy)
    for signed in readies:
        try:
            participant, keys = _participant(signed, chain, roster, call, now)
            client = participant.client

            def refuse(stage: str, detail: str, client: str = client) -> Refused:
                return Refused("ready", stage, detail, party=client, round=chain.round)

            if any(owners.setdefault(key, client) != client for key in keys):
                raise refuse("statement", "a key for masks that another participant has")
            if client not in ready and len(ready) == most:
                raise refuse("policy", f"came after {most} others, and no more take part in a round")
            if ready.setdefault(client, participant) != participant:
                raise refuse("statement", "a second, different one; the first stands")
        except (Refused, Malformed) as error:
            refused.append(error)
    return [ready[client] for client in sorted(ready)], refused


def _participant(
    signed: Signed, chain: Chain, roster: Roster, call: Call, now: int
) -> tuple[Participant, list[bytes]]:
    """Whoever is ready, and its keys for masks."""
    client = claimed_client(signed)
    if client is None:
        raise Refused("ready", "decoding", "names no client", round=chain.round)
    roster.check_current(client, now)
    ready = check_ready(signed, client, call, roster, chain)
    participant = Participant(client=client, weight=ready.weight, ready=signed)
    return participant, [key.key for key in ready.keys]


def reasons(refused: Sequence[Refused | Malformed]) -> str:
    """Why nobody is ready, by client: the first few, each in so many characters as fit a terminal's two lines. The rest is counted."""
    if not refused:
        return "no client said that it is"
    told = []
    for error in refused[:_TOLD]:
        if isinstance(error, Refused):
            told.append(f"{error.party or 'somebody'}: {printable(error.detail, 160)}")
        else:
            told.append(f"somebody: {printable(str(error), 160)}")
    more = len(refused) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
