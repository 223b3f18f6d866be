"""The demo's masked rounds: the exchanges that open a sum, a hospital that is not heard of in one round, and one that masks another
update than the one that it proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fedproof.demo.timing import Timing
from fedproof.round import disclosure
from fedproof.round.aggregator import Aggregator
from fedproof.round.blame_messages import FingerprintRequest
from fedproof.round.client import Client
from fedproof.round.masker import Masked, Masker
from fedproof.round.node import Node
from fedproof.round.requests import Request, answer, read_request

DROPOUT, DROPOUT_ROUND = "hospital-2", 4
MASK_CHEAT = "hospital-6"
"""In the last round."""


def open_sum(aggregator: Aggregator, nodes: Mapping[str, Node], timing: Timing, *, cheat: str = "") -> int:
    """All exchanges after the uploads. cheat: answers for what it uploaded with a proof of what is false. Returns the answers' bytes."""
    size = 0
    with timing.part("unmask"):
        while asked := aggregator.next_requests():
            for name, requests in asked.items():
                for request in requests:
                    node = nodes[name]
                    told = lies(node.client, read_request(request)) if name == cheat else node.answer(request)
                    aggregator.answer(name, told)
                    size += len(told)
    return size


def masks_another(masker: Masker) -> None:
    """Under its masks it uploads one more in the first coordinate than it proved."""
    honest = masker.apply
    masker.apply = lambda *arguments: another(masker, honest(*arguments))  # type: ignore[method-assign]


def another(masker: Masker, made: Masked) -> Masked:
    """What `masks_another` uploads in place of this."""
    round, width = masker.joined(), masker.joined().parameters.width
    first = (int.from_bytes(made.rows[:width], "little") + 1) % round.parameters.modulus
    rows = first.to_bytes(width, "little") + made.rows[width:]
    if masker.made is not None:
        masker.made = replace(masker.made, rows=rows)
    return replace(made, rows=rows)


def lies(client: Client, request: Request) -> bytes:
    """Fingerprints of what it uploaded, with a proof of what is false; all else it answers as it is."""
    if not isinstance(request, FingerprintRequest):
        return answer(client, request)
    masker = client.masker_of(request.session)
    return disclosure.fingerprints(masker, request, client.key, unchecked=True).to_bytes()
