"""What comes of one masked round, by counting alone: spec/secure-aggregation.md (§n is a section of it).

Some clients fall silent and some cheat in one way each; the aggregator is honest and asks all that it may.
`round.min_accepted` is taken to be at most `min_set`, and fingerprints and proofs never to lie by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

STEPS = ("upload", "agree", "unmask", "recover", "fingerprints", "disclose")

Kind = Literal["another upload", "row that is not its own", "another blind", "another mask", "bad share"]


@dataclass(frozen=True)
class Policy:
    """The part of the policy that counts (§1, §2)."""

    colluders: int  # m
    silent: int  # δ
    min_set: int
    min_honest_group: int
    agree_first: bool
    complete: int = 32  # up to so many participants everybody is a neighbour of everybody


@dataclass(frozen=True)
class Cheat:
    """What a client does; `other` is the neighbour that another mask or a bad share is for.

    Two ends that each use another mask with the other use two different ones.
    """

    kind: Kind
    other: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What the record shows: `summed` is None where the round is void."""

    members: frozenset[str]
    summed: frozenset[str] | None
    named: frozenset[str]


def graph(policy: Policy, participants: Sequence[str]) -> tuple[dict[str, frozenset[str]], int]:
    """N(i) of everybody, and the threshold t; refuses what is refused with the announcement (§1, §2)."""
    m, delta, n = policy.colluders, policy.silent, len(participants)
    if list(participants) != sorted(set(participants)) or n < policy.min_set or policy.min_set <= m + 1:
        raise ValueError("no such round: participants, or min_set")
    sparse = 3 * m + 2 * delta + max(policy.min_honest_group, policy.min_set - m)
    sparse += sparse % 2
    k = n - 1 if n <= max(policy.complete, sparse) else sparse
    t = k - m - delta
    if 2 * t <= k + m or t - 2 * m - delta + 1 < max(policy.min_honest_group, 2):
        raise ValueError("no such round: too few neighbours")
    everybody = frozenset(participants)
    if k == n - 1:
        return {name: everybody - {name} for name in participants}, t
    steps = [step for step in range(-(k // 2), k // 2 + 1) if step]
    circle = (frozenset(participants[(i + step) % n] for step in steps) for i in range(n))
    return dict(zip(participants, circle, strict=True)), t


def outcome(
    policy: Policy, participants: Sequence[str], silent: Mapping[str, str], cheats: Mapping[str, Cheat]
) -> Outcome:
    """Who is in the set, whose updates are summed, and who is named; refuses cheats that cannot be."""
    near, t = graph(policy, participants)
    for name, cheat in cheats.items():
        others = near[name] if cheat.kind in ("another mask", "bad share") else {None}
        if cheat.other not in others:
            raise ValueError(f"no such cheat of {name}")
    until = {name: STEPS.index(silent[name]) if name in silent else len(STEPS) for name in participants}

    def speaks(name: str, step: str) -> bool:
        return STEPS.index(step) < until[name]

    def quorum(name: str, of: frozenset[str]) -> bool:
        return len(near[name] & of) >= t

    # Exchange A: every cheat's upload is accepted, since what it proves holds (§2, §4).
    members = frozenset(name for name in participants if speaks(name, "upload"))
    if len(members) < policy.min_set:
        return Outcome(members, None, frozenset())

    # The acknowledgement, and the answers to B: only where enough neighbours are there (§5, §6).
    ready = frozenset(name for name in members if quorum(name, members))
    acknowledged = frozenset(name for name in ready if speaks(name, "agree"))
    opened = frozenset(name for name in acknowledged if speaks(name, "unmask"))
    if policy.agree_first:
        opened = frozenset(name for name in opened if quorum(name, acknowledged))
    else:
        acknowledged = opened  # B carries the only acknowledgement

    def holders(dealer: str, step: str) -> frozenset[str]:
        """Who holds good shares of both the dealer's secrets, opened the set, and still answers (§6, §7)."""
        bad = cheats.get(dealer)
        awake = (name for name in near[dealer] & opened if speaks(name, step))
        return frozenset(name for name in awake if bad != Cheat("bad share", name))

    def recovered(member: str, outsider: str) -> bool:
        """Whether exchange C opens a silent member's pair with a neighbour outside the set (§7)."""
        asked = len(opened) >= t and quorum(member, acknowledged) and quorum(outsider, acknowledged)
        return asked and len(holders(member, "recover")) >= t

    # The sum (§7): of each member its own mask, and its pairs with those outside the set.
    bare = frozenset(name for name in members if len(holders(name, "unmask")) >= t)
    clear = frozenset(
        name for name in bare if name in opened or all(recovered(name, j) for j in near[name] - members)
    )
    spoilers = frozenset(name for name in members if name in cheats and cheats[name].kind != "bad share")
    if clear == members and not spoilers:
        return Outcome(members, members, frozenset())

    # Fingerprints and evidence (§8, §9), conflicts (§10).
    signed = frozenset(name for name in opened if speaks(name, "fingerprints"))

    def convicted(name: str, cheat: Cheat) -> bool:
        """Whether something convicts a member before the repair."""
        kind, other = cheat.kind, cheat.other
        if kind == "bad share":  # the complaint of a holder that answered B (§9)
            return other in opened
        if name not in signed:
            return False
        if kind == "row that is not its own":
            return True
        if other is None or other not in members:  # R4 fails, and is judged with the own mask open (§9)
            return name in bare
        if other not in signed:  # nothing to compare it with (§12)
            return False
        ends = {name, other}  # by either end, or with shares of the first one's key (§10)
        by_end = any(speaks(end, "disclose") for end in ends)
        return by_end or len(holders(min(ends), "disclose") - ends) >= t

    named = frozenset(name for name in members if name in cheats and convicted(name, cheats[name]))

    # Repair (§11): pairs of who stays with who is named, opened by the former or with shares of its key.
    def opens(stays: str, gone: str) -> bool:
        by_end = any(end in opened and speaks(end, "disclose") for end in (stays, gone))
        return by_end or len(holders(stays, "disclose")) >= t

    while named and len(members - named) >= policy.min_set:
        rest = members - named
        pairs = {(stays, gone) for gone in named for stays in near[gone] & rest if opens(stays, gone)}
        liars = {name for name, gone in pairs & {(name, cheats[name].other) for name in signed & spoilers}}
        if not liars:
            complete = len(pairs) == sum(len(near[gone] & rest) for gone in named)
            good = complete and rest <= clear and not rest & spoilers
            return Outcome(members, rest if good else None, named)
        named |= liars
    return Outcome(members, None, named)
