"""One party's folder, the aggregator's or a node's: do its keys, policy, trust file, roster, base model and state go together?"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fedproof.doctor.finding import Examination
from fedproof.encoding.digest import text_of
from fedproof.encoding.files import read_capped
from fedproof.encoding.text import counted
from fedproof.encoding.time import utc_text
from fedproof.errors import Malformed
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Roster, open_roster
from fedproof.identity.signed import Signed
from fedproof.identity.trust import Trust
from fedproof.log.reader import TileReader
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.parameters import check_sums
from fedproof.policy.policy import Policy
from fedproof.round.audit import History
from fedproof.round.chain import Chain
from fedproof.round.client import CLOCK_SKEW
from fedproof.round.folder import BASE, ENVELOPE_KEY, MESSAGE_KEY, NODE_KEY, POLICY, ROSTER, STATE, TRUST
from fedproof.round.messages import Announcement, Result
from fedproof.round.place import AUDIT, peek_place
from fedproof.round.record import MAX_BODY, RoundBody, RoundEntry
from fedproof.round.store import ANNOUNCEMENT, OPEN

_LIMIT = 1 << 28
_ENDORSER = "the endorser, by a way that the aggregator has no hand in"
K = TypeVar("K", SigningKey, EnvelopeKey)


@dataclass(frozen=True)
class Party:
    """What a folder holds that could be read; nothing where it could not. key: of its messages. roster: only if it is endorsed."""

    policy: Policy | None
    trust: Trust | None
    signed: Signed | None
    roster: Roster | None
    key: SigningKey | None


def examine_server(folder: Path, at: Examination, now: int) -> Party:
    """The aggregator's folder. now: Unix seconds."""
    message = _key(folder / MESSAGE_KEY, SigningKey, at)
    envelope = _key(folder / ENVELOPE_KEY, EnvelopeKey, at)
    party = _examine(folder, at, message)
    if party.trust is not None:
        if message is not None and message.verify_key != party.trust.aggregator:
            told = f"trust.toml names {party.trust.aggregator.text}, message.pem is {message.verify_key.text}"
            at.problem(
                MESSAGE_KEY,
                told,
                "put the public half of message.pem into every trust file, or the other key here",
            )
        if envelope is not None and envelope.verify_key != party.trust.envelope:
            told = f"trust.toml names {party.trust.envelope.keyid[:16]}…, envelope.pem is {envelope.verify_key.keyid[:16]}…"
            at.problem(
                ENVELOPE_KEY,
                told,
                "put the public half of envelope.pem into every trust file, or the other key here",
            )
    if party.roster is not None:
        _check_members(party.roster, at, now)
    _check_base(folder / BASE, party, at)
    if (folder / STATE).is_dir():
        at.attempt(
            "state",
            "give the folder back as it was; a lost record cannot be made again",
            lambda: _record(folder / STATE, party, at, now),
        )
    return party


def examine_node(folder: Path, at: Examination, now: int) -> Party:
    """A node's folder. now: Unix seconds."""
    key = _key(folder / NODE_KEY, SigningKey, at)
    party = _examine(folder, at, key)
    if party.roster is not None and key is not None:
        _check_membership(party.roster, party.trust, key, at, now)
    _check_base(folder / BASE, party, at)
    if (folder / STATE).is_dir():
        at.attempt(
            "state",
            "see what changed it; a state that is lost is begun anew, never taken from a copy",
            lambda: _node_state(folder / STATE, at, now),
        )
    return party


def check_private(path: Path, at: Examination) -> bool:
    """Whether a private key's file is there, with a finding if it is not or if others may read it."""
    try:
        status = path.lstat()
    except OSError as error:
        at.problem(path.name, f"{error.strerror}", f"make one with fedproof keygen, or copy it to {path}")
        return False
    if stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o077:
        told = f"others on this machine may use it: its mode is {stat.S_IMODE(status.st_mode):04o}"
        at.problem(path.name, told, f"chmod 600 {path}; if others did read it, it needs a successor")
    elif status.st_uid != os.geteuid():
        at.warn(path.name, f"belongs to user {status.st_uid}, this is {os.geteuid()}", "run as its owner")
    return True


def _key(path: Path, kind: type[K], at: Examination) -> K | None:
    if not check_private(path, at):
        return None
    before = len(at.findings)
    key = at.attempt(path.name, "copy the right one here, in PEM without a password", lambda: kind.load(path))
    if key is not None and len(at.findings) == before:
        at.ok(path.name, "readable by its owner alone")
    return key


def _examine(folder: Path, at: Examination, key: SigningKey | None) -> Party:
    """What both kinds of folders have."""
    policy = at.attempt(POLICY, "mend it, or get the federation's", lambda: Policy.load(folder / POLICY))
    trust = at.attempt(TRUST, "mend it; keys come from their owners", lambda: Trust.load(folder / TRUST))
    signed = at.attempt(ROSTER, f"get it from {_ENDORSER}", lambda: _signed(folder / ROSTER))
    roster = None
    for name in (POLICY, TRUST):
        path = folder / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o022:
            at.warn(name, "others on this machine may write it", f"chmod go-w {path}")
    if policy is not None:
        at.ok(POLICY, f"federation {policy.federation}, {text_of(policy.digest())}")
    if policy is not None and trust is not None:
        _check_pin(policy, trust, at)
    if policy is not None and trust is not None and signed is not None:
        do = f"get the roster of this federation from {_ENDORSER}; if the trust file is wrong, mend that"
        roster = at.attempt(ROSTER, do, lambda: open_roster(signed, trust.endorsers, policy.federation))
    if policy is not None and roster is not None:
        at.ok(
            ROSTER,
            f"version {roster.version}, endorsed by {roster.endorser}, {counted(len(roster.members), 'member')}",
        )
        do = "lower update.weights.max"
        at.attempt(POLICY, do, lambda: check_sums(policy, len(roster.members)))
    return Party(policy, trust, signed, roster, key)


def _signed(path: Path) -> Signed:
    return Signed.from_bytes(read_capped(path, _LIMIT), limit=_LIMIT)


def _check_pin(policy: Policy, trust: Trust, at: Examination) -> None:
    if trust.policy is None:
        at.ok(TRUST, "readable; it pins no policy")
        return
    before = len(at.findings)
    do = "compare the two policies; pin the one that you agree with (fedproof policy digest)"
    at.attempt(TRUST, do, lambda: trust.check_policy(policy.digest()))
    if len(at.findings) == before:
        at.ok(TRUST, "readable; it pins this policy")


def _check_members(roster: Roster, at: Examination, now: int) -> None:
    """Whose time is over, for the aggregator."""
    if roster.expires is not None and now >= roster.expires:
        at.problem(
            "members",
            f"the roster expired at {utc_text(roster.expires)}",
            f"get the next version from {_ENDORSER}",
        )
        return
    over = [m.client for m in roster.members if m.expires is not None and now >= m.expires]
    if over:
        at.warn(
            "members",
            f"whose time is over: {', '.join(over)}",
            "no round will have them; the endorser can list them again",
        )
    else:
        at.ok("members", f"{counted(len(roster.members), 'member')}, nobody's time is over")


def _check_membership(
    roster: Roster, trust: Trust | None, key: SigningKey, at: Examination, now: int
) -> None:
    own = key.verify_key
    listed = next((m for m in roster.members if m.key == own.raw), None)
    if listed is None:
        at.problem(
            "membership",
            f"the roster lists nobody with this key, {own.text}",
            "ask the endorser to list it, or put the right key.pem here",
        )
        return
    if trust is not None and own.raw in trust.revoked:
        at.problem(
            "membership",
            f"the trust file revokes this key, {own.text}",
            "make another key, and ask the endorser to list it",
        )
        return
    before = len(at.findings)
    at.attempt(
        "membership",
        f"get the next version of the roster from {_ENDORSER}",
        lambda: roster.check_current(listed.client, now),
    )
    if len(at.findings) == before:
        ends = [t for t in (listed.expires, roster.expires) if t is not None]
        at.ok(
            "membership",
            f"{listed.client}, until {utc_text(min(ends)) if ends else 'somebody else is endorsed'}",
        )


def _check_base(path: Path, party: Party, at: Examination) -> None:
    policy = party.policy
    if policy is None:
        return
    do = "get the federation's base model; if this one is right, the policy names another"
    chain = at.attempt(BASE, do, lambda: Chain.start(policy, read_capped(path, MAX_FILE)))
    if chain is not None:
        at.ok(BASE, f"the one that the policy names, {counted(chain.layout.size, 'parameter')}")


def _record(state: Path, party: Party, at: Examination, now: int) -> None:
    """The aggregator's record, as far as its signed root goes: rounds are not proved again here."""
    if party.policy is None or party.trust is None:
        return
    entries: Sequence[bytes] = ()
    recorded = (state / "log" / "checkpoint").exists()
    if recorded:
        entries = TileReader(state / "log", party.policy.federation, party.trust.aggregator).entries()
    under_way = state / OPEN / ANNOUNCEMENT
    if under_way.exists():
        opened = Signed.from_bytes(read_capped(under_way, _LIMIT), limit=_LIMIT)
        announcement = opened.open(Announcement, party.trust.aggregator)
        if announcement.round >= len(entries):  # else a kill left it, and the aggregator removes it
            told = f"round {announcement.round}, announced at {utc_text(announcement.time)}, is not on record"
            at.ok(
                "under way",
                f"{told}: the aggregator goes on with it, or with another attempt, once it is started",
            )
    if not recorded:
        at.ok("state", "no record yet")
        return
    if not entries:
        at.ok("state", "a record without rounds")
        return
    name = RoundEntry.from_bytes(entries[-1]).body.hex()
    body = RoundBody.from_bytes(read_capped(state / "blobs" / name[:2] / name, MAX_BODY), limit=MAX_BODY)
    last = body.announcement.open(Announcement, party.trust.aggregator)
    void = ", which is void," if body.result.open(Result, party.trust.aggregator).void else ""
    _check_past(last.time, f"{counted(len(entries), 'round')} on record, the last one{void}", at, now)


def _node_state(state: Path, at: Examination, now: int) -> None:
    log = state / AUDIT
    lines = 0
    if log.exists():
        lines = len(History.load(log).events)
    place = peek_place(state)
    if place is None or place.time == 0:
        at.ok("state", f"no round adopted yet; {counted(lines, 'line')} in its audit log")
        return
    if place.time > 1 << 32:
        raise Malformed("state.cbor: its time is beyond 2106")
    _check_past(place.time, f"{counted(lines, 'line')} in its audit log; round {place.round - 1}", at, now)


def _check_past(time: int, what: str, at: Examination, now: int) -> None:
    """A round that was announced after now: this machine's clock is wrong, or the aggregator's was."""
    told = f"{what} was announced at {utc_text(time)}"
    if time > now:
        told += f", and this machine's clock says {utc_text(now)}"
    if time > now + CLOCK_SKEW:
        at.problem(
            "state",
            told,
            "set this machine's clock; if it is right, the aggregator's was wrong, and rounds wait until that time",
        )
    elif time > now:
        at.warn("state", told, "set the clocks by a time service")
    else:
        at.ok("state", told)
