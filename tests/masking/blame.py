"""What cheats upload and sign, and the exchanges after a sum that did not open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.signed import Signed
from fedproof.proofs import masking
from fedproof.round import disclosure
from fedproof.round.blame import Blame
from fedproof.round.blame_messages import FingerprintRequest
from fedproof.round.closing import Closed
from fedproof.round.masked import MaskedRound
from fedproof.round.masked_messages import Sharing
from fedproof.round.masker import Masked, Masker
from reference.masked_rounds import Cheat
from tests.masking.world import ALL, STEPS, MaskedWorld, key_of
from tests.round.world import NOW

Sign = Callable[[FingerprintRequest], Signed]


def joined(world: MaskedWorld, name: str) -> Masker:
    """Of a client that answers the announcement."""
    world.clients[name].check(world.announcement, now=world.server.announcement.time)
    return world.clients[name].masker_of(world.session)


def cheats(world: MaskedWorld, name: str, change: Callable[[Masked], Masked], *, knows: bool = True) -> None:
    """Uploads something else than it proved. knows: it answers for what it uploaded; else for what it should have."""
    masker = joined(world, name)
    honest = masker.apply

    def apply(*arguments: object) -> Masked:
        made = change(honest(*arguments))  # type: ignore[arg-type]
        if knows:
            assert masker.made is not None
            masker.made = dataclasses.replace(masker.made, rows=made.rows, blinds=made.blinds)
        return made

    masker.apply = apply  # type: ignore[method-assign]


def shifted(world: MaskedWorld) -> Callable[[Masked], Masked]:
    """One more in the first coordinate."""

    def change(made: Masked) -> Masked:
        width, q = world.round.parameters.width, world.round.parameters.modulus
        first = (int.from_bytes(made.rows[:width], "little") + 1) % q
        return dataclasses.replace(made, rows=first.to_bytes(width, "little") + made.rows[width:])

    return change


def blinded(made: Masked, bit: int = 0) -> Masked:
    """Another blind in the last row."""
    last = (int.from_bytes(made.blinds[-32:], "big") ^ 1 << bit).to_bytes(32, "big")
    return dataclasses.replace(made, blinds=made.blinds[:-32] + last)


@dataclasses.dataclass(frozen=True)
class OtherPair(MaskedRound):
    """As a client has it that masks with another seed than the pair's, and signs that seed's fingerprint."""

    pair: frozenset[str] = frozenset()
    instead: bytes = bytes(32)

    def pair_seed(self, own: str, other: str, shared: bytes, *, removed: bool = False) -> masking.Seed:
        seed = super().pair_seed(own, other, shared, removed=removed)
        return dataclasses.replace(seed, seed=self.instead) if {own, other} == self.pair else seed


def seals_another_share(world: MaskedWorld, name: str, holder: str) -> None:
    """What it sealed for this holder is no share."""
    masker = joined(world, name)
    honest = masker._share

    def share(neighbours: list[str], own: bytes) -> tuple[Sharing, tuple[bytes, ...]]:
        sharing, ciphertexts = honest(neighbours, own)
        place = world.round.place(name, holder)
        changed = (*ciphertexts[:place], bytes(80), *ciphertexts[place + 1 :])
        return sharing.model_copy(update={"ciphertexts": tuple(map(sha256, changed))}), changed

    masker._share = share  # type: ignore[method-assign]


def lies_about(world: MaskedWorld, name: str, other: str, seed: bytes = bytes(32)) -> None:
    """This end of a pair uses another mask, of this seed."""
    masker = joined(world, name)
    round = masker.joined()
    parts = {f.name: getattr(round, f.name) for f in dataclasses.fields(MaskedRound)}
    masker.round = OtherPair(**parts, pair=frozenset({name, other}), instead=seed)
    masker.join = lambda round: None  # type: ignore[method-assign]


def signs_unchecked(world: MaskedWorld, name: str, request: FingerprintRequest) -> Signed:
    """Fingerprints with a proof of what is false."""
    masker = world.clients[name].masker_of(world.session)
    return disclosure.fingerprints(masker, request, key_of(name), unchecked=True)


def fingerprint(world: MaskedWorld, blame: Blame, *but: str) -> None:
    """Everybody that opened the set signs fingerprints, whatever they say."""
    for name in sorted(world.server.unmask().opened):
        if name not in but:
            assert blame.receive(signs_unchecked(world, name, blame.request())) == name


def settle(world: MaskedWorld, blame: Blame, *but: str) -> None:
    """Until nothing more is asked."""
    while asks := blame.next_requests():
        for name, requests in asks.items():
            if name in but:
                continue
            for request in requests:
                try:
                    blame.opened(world.clients[name].disclose(world.session, request).to_bytes())
                except Refused:
                    continue


def opened(world: MaskedWorld) -> None:
    """All exchanges before."""
    world.send_all()
    world.unmask(world.agree())


def begins(world: MaskedWorld, name: str, cheat: Cheat) -> None:
    match cheat.kind:
        case "another upload" | "row that is not its own":
            cheats(world, name, shifted(world), knows=cheat.kind == "another upload")
        case "another blind":
            cheats(world, name, partial(blinded, bit=ALL.index(name)))  # no two of them cancel
        case "another mask":
            lies_about(world, name, str(cheat.other), sha256(name.encode()))
        case "bad share":
            seals_another_share(world, name, str(cheat.other))


def played(world: MaskedWorld, lies: dict[str, Cheat], silent: dict[str, str]) -> Closed:
    """A whole round. silent: from which step on, of the model's."""
    for name, cheat in lies.items():
        begins(world, name, cheat)
    world.exchange({n: step for n, step in silent.items() if step in STEPS})
    try:
        blame = world.server.blame()
    except Refused:  # too few uploads
        blame = None
    if blame is not None:
        fingerprint(world, blame, *(n for n, step in silent.items() if step != "disclose"))
        for name, cheat in lies.items():
            if cheat.kind == "another mask":  # it answers all else as it is
                world.clients[name].masker_of(world.session).round = world.round
        settle(world, blame, *silent)
    return world.server.close(now=NOW)
