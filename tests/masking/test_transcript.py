"""What a server knows after a round, by linear algebra over all that was said in it: the one sum, and nothing else of any honest update."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from fedproof.errors import Refused
from fedproof.identity.signed import Signed
from fedproof.policy import masking as policy_module
from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import PairPart, UnmaskAnswer
from tests.masking.blame import cheats, fingerprint, shifted
from tests.masking.world import ALL, MaskedWorld, policy

P = (1 << 61) - 1
"""Equations are solved modulo this prime: their coefficients are small."""


@dataclass
class View:
    """A server's, with that of the clients that work with it. shares: whose share of whose own mask it has; pairs: opened ones; parts:
    whose part of which pair."""

    round: MaskedRound
    weights: dict[str, int]
    uploaded: frozenset[str]
    colluders: frozenset[str]
    shares: dict[str, set[str]] = field(default_factory=dict)
    pairs: set[frozenset[str]] = field(default_factory=set)
    parts: dict[frozenset[str], dict[str, set[str]]] = field(default_factory=dict)

    def hears(self, client: str, answer: UnmaskAnswer) -> None:
        for share in answer.shares:
            self.shares.setdefault(share.client, set()).add(client)
        self.pairs.update(frozenset({client, pair.client}) for pair in answer.pairs)

    def sees(self, client: str, parts: Iterable[PairPart]) -> None:
        for part in parts:
            pair = frozenset({part.pair.member, part.pair.other})
            if client in pair:
                self.pairs.add(pair)
            else:
                self.parts.setdefault(pair, {}).setdefault(part.pair.member, set()).add(client)

    def _enough(self, dealer: str, holders: set[str]) -> bool:
        beside = self.colluders & set(self.round.neighbours(dealer))
        return len(holders | beside) >= self.round.parameters.threshold

    def knows_self(self, client: str) -> bool:
        return client in self.colluders or self._enough(client, self.shares.get(client, set()))

    def knows_pair(self, one: str, other: str) -> bool:
        pair = frozenset({one, other})
        parts = self.parts.get(pair, {})
        return bool(self.colluders & pair or pair in self.pairs) or any(
            self._enough(dealer, holders) for dealer, holders in parts.items()
        )

    def determined(self) -> list[dict[str, int]]:
        """A basis of the weighted sums of honest updates that follow from what is known: coefficients by client, of w·x."""
        honest = sorted(self.uploaded - self.colluders)
        masks: list[dict[tuple[str, ...], int]] = []
        for client in honest:
            terms: dict[tuple[str, ...], int] = {}
            if not self.knows_self(client):
                terms[client,] = 1
            for other in self.round.neighbours(client):
                if not self.knows_pair(client, other):
                    seed = self.round.pair_seed(client, other, bytes(32))
                    terms[tuple(sorted((client, other)))] = -1 if seed.negative else 1
            masks.append(terms)
        unknown = sorted({name for terms in masks for name in terms})
        rows = [[terms.get(name, 0) % P for name in unknown] for terms in masks]
        return [
            {c: a for c, a in zip(honest, combination, strict=True) if a} for combination in left_kernel(rows)
        ]


def left_kernel(rows: list[list[int]]) -> list[list[int]]:
    """Combinations of rows that are zero, modulo P; each with 1 as its first coefficient."""
    n = len(rows)
    wide = [[*row, *(int(i == at) for i in range(n))] for at, row in enumerate(rows)]
    width, done = len(rows[0]), 0
    for column in range(width):
        pivot = next((r for r in range(done, n) if wide[r][column]), None)
        if pivot is None:
            continue
        wide[done], wide[pivot] = wide[pivot], wide[done]
        inverse = pow(wide[done][column], -1, P)
        for r in range(done + 1, n):
            factor = wide[r][column] * inverse % P
            if factor:
                wide[r] = [(a - factor * b) % P for a, b in zip(wide[r], wide[done], strict=True)]
        done += 1
    kernel = [row[width:] for row in wide[done:]]
    return [[a * pow(next(filter(None, row)), -1, P) % P for a in row] for row in kernel]


def seen(world: MaskedWorld, silent: dict[str, str], colluders: Iterable[str] = ()) -> View:
    """The whole round, blame included, as the server saw it."""
    sent = [c for c in world.clients if silent.get(c) != "upload"]
    view = View(world.round, world.weights, frozenset(sent), frozenset(colluders))
    world.send_all(*(c for c in world.clients if c not in sent))
    unmasking = world.agree()
    for name in sorted(unmasking.members):
        if silent.get(name) != "unmask":
            answer = world.clients[name].unmask(world.session, unmasking.request(name))
            unmasking.answer(answer.to_bytes())
            view.hears(name, answer)
    request = unmasking.recovery()
    for name in sorted(unmasking.opened) if request else []:
        assert request is not None
        answered = world.clients[name].recover(world.session, request)
        unmasking.recovered(answered.to_bytes())
        view.sees(name, answered.parts)
    if not world.server.opens():
        blame = world.server.blame()
        fingerprint(world, blame)
        while asks := blame.next_requests():
            for name, requests in asks.items():
                for asked in requests:
                    told = world.clients[name].disclose(world.session, asked)
                    blame.opened(told.to_bytes())
                    view.sees(name, told.parts)
    return view


CASES = {
    "everybody": ({}, ()),
    "one vanishes": ({ALL[0]: "upload"}, ()),
    "one falls silent": ({ALL[1]: "unmask"}, ()),
    "one vanishes, and one falls silent": ({ALL[0]: "upload", ALL[1]: "unmask"}, ()),
    "one works with the server": ({}, (ALL[2],)),
    "one does, one vanishes, one is silent": ({ALL[0]: "upload", ALL[1]: "unmask"}, (ALL[2],)),
}


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_sum_and_nothing_else(case: str, near: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    silent, colluders = CASES[case]
    if near:
        monkeypatch.setattr(policy_module, "COMPLETE", 8)
    world = MaskedWorld.announced(12 if near else 8)
    assert world.round.parameters.neighbours == (8 if near else 7)
    view = seen(world, silent, colluders)
    honest = view.uploaded - view.colluders
    assert view.determined() == [dict.fromkeys(sorted(honest), 1)]
    assert not world.server.close(now=1_800_000_000).result.void


def test_the_sum_of_the_others_and_nothing_else() -> None:
    """After a repair: a cheat's masks are open, and no other's."""
    world = MaskedWorld.announced(8)
    cheat = ALL[3]
    cheats(world, cheat, shifted(world))
    view = seen(world, {}, (cheat,))
    assert [d.client for d in world.server.close(now=1_800_000_000).result.dropped] == [cheat]
    assert view.determined() == [dict.fromkeys(sorted(set(ALL[:8]) - {cheat}), 1)]


def test_a_round_that_stays_closed_says_nothing() -> None:
    world = MaskedWorld.announced(8)
    silent = dict.fromkeys(ALL[:4], "unmask")
    view = seen(world, silent)
    assert world.server.close(now=1_800_000_000).result.void
    assert view.determined() == []


@pytest.mark.parametrize("agree", [True, False])
@pytest.mark.parametrize("halves", [True, False])
def test_two_sets_at_once(agree: bool, halves: bool) -> None:
    """A server that shows clients different sets, with one that works with it and answers for each. Shown to half of them each, none is
    opened; shown to all that are in it, the first is, and the other says nothing more."""
    held = policy(agree_first=agree, min_honest_group=2, colluders=1, silent=1)
    world = MaskedWorld.announced(7, held)
    colluder, out = ALL[6], (ALL[0], ALL[1])
    world.send_all()
    sets = [world.set_of(*(n for n in world.clients if n != left)) for left in out]
    view = View(world.round, world.weights, frozenset(world.clients), frozenset({colluder}))
    honest = [n for n in world.clients if n not in (colluder, out[0])] + [out[0]]
    refused = 0
    for at, name in enumerate(honest):
        shown = sets[at % 2 if halves else int(name == out[0])]
        acknowledged: dict[str, Signed] = {}
        for other in world.clients if agree else ():
            try:
                acknowledged[other] = world.clients[other].acknowledge(world.session, shown)
            except Refused:
                continue
        try:
            view.hears(
                name, world.clients[name].unmask(world.session, world.request_of(shown, name, acknowledged))
            )
        except Refused:
            refused += 1
    first = dict.fromkeys((n for n in honest if n != out[0]), 1)
    assert view.determined() == ([] if halves else [first])
    assert refused == agree * (3 if halves else 1)


# --- a toy field, exhaustively -----------------------------------------------------------------------------------------


def test_every_update_with_the_same_sum_looks_alike() -> None:
    """Three clients, values modulo 3, all masks: what the server sees (uploads, and the own masks, opened) is as likely for any updates
    that add up to the same."""
    round = MaskedWorld.announced(7).round
    names, q = ALL[:3], 3
    pairs = list(itertools.combinations(names, 2))
    sign = {
        (own, other): -1 if round.pair_seed(own, other, bytes(32)).negative else 1
        for own, other in itertools.permutations(names, 2)
    }

    def view(x: tuple[int, ...], own: tuple[int, ...], shared: dict[tuple[str, str], int]) -> tuple[int, ...]:
        uploads = [
            (x[at] + own[at] + sum(sign[n, o] * shared[min(n, o), max(n, o)] for o in names if o != n)) % q
            for at, n in enumerate(names)
        ]
        return *uploads, *own

    looks: dict[int, Counter[tuple[int, ...]]] = {}
    for x in itertools.product(range(q), repeat=3):
        counted: Counter[tuple[int, ...]] = Counter()
        for own in itertools.product(range(q), repeat=3):
            for values in itertools.product(range(q), repeat=len(pairs)):
                counted[view(x, own, dict(zip(pairs, values, strict=True)))] += 1
        assert looks.setdefault(sum(x) % q, counted) == counted
    distinct = list(looks.values())
    assert len(distinct) == q
    assert not set(distinct[0]) & set(distinct[1])  # the sum itself shows


def test_without_a_mask_the_algebra_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself: were a pair of honest clients' mask open, two sums would be known where the graph falls apart."""
    world = MaskedWorld.announced(8)
    view = seen(world, {})
    alone = ALL[0]
    view.pairs.update(frozenset({alone, other}) for other in ALL[1:8])
    assert len(view.determined()) == 2
    assert {alone: 1} in view.determined()
