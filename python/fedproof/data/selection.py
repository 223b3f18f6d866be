"""Which records a relation is about: data sets joined, records left out, nothing revoked, nothing twice (spec/dataset.md §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fedproof.data.certificate import DataCertificate, RevocationList
from fedproof.data.dataset import DataSet
from fedproof.encoding.time import utc_text
from fedproof.errors import Refused
from fedproof.identity.keys import VerifyKey
from fedproof.identity.signed import Signed, signer_key

_NAMED = 100
"""Records that a refusal names at most."""


@dataclass(frozen=True)
class Part:
    """A data set and the records of it that are left out: from 0, increasing."""

    data: DataSet
    left_out: tuple[int, ...] = ()

    @property
    def certificate(self) -> DataCertificate:
        """The data set's."""
        return self.data.certificate

    @property
    def kept(self) -> list[int]:
        """The records that are left in, increasing."""
        out = frozenset(self.left_out)
        return [i for i in range(self.certificate.records) if i not in out]


@dataclass(frozen=True)
class Selection:
    """The records that a relation is about: all that are left in, numbered part by part. parts: one at least, all alike."""

    parts: tuple[Part, ...]

    @cached_property
    def kept(self) -> tuple[tuple[int, int], ...]:
        """As (part, record), in the order in which relations number them."""
        return tuple((number, i) for number, part in enumerate(self.parts) for i in part.kept)

    def __len__(self) -> int:
        """How many records are left in."""
        return len(self.kept)

    @property
    def certificate(self) -> DataCertificate:
        """The first part's: what suite, features, classes, centre and spread are in all of them."""
        return self.parts[0].certificate

    @property
    def certified(self) -> int:
        """How many records the certificates have, with those left out."""
        return sum(part.certificate.records for part in self.parts)

    @property
    def norm_squared(self) -> int:
        """R²: the largest that the certificates say."""
        return max(part.certificate.norm_squared for part in self.parts)

    def points(self) -> bytes:
        """Commitments of the records, one after the other."""
        return b"".join(self.parts[part].data.records.point(record) for part, record in self.kept)

    def tags(self) -> list[tuple[str, bytes]]:
        """(authority, tag) of each record: equal for equal records of one authority."""
        return [
            (self.parts[part].certificate.authority, self.parts[part].data.records.tag(record))
            for part, record in self.kept
        ]


def open_revocations(signed: Signed, authorities: Mapping[str, VerifyKey]) -> RevocationList:
    """A list, if an authority that is trusted signed it. Raises `Refused`."""
    key = signer_key(signed, RevocationList.KIND, "authority", authorities)
    return signed.open(RevocationList, key)


def newest_list(revocations: Sequence[RevocationList], authority: str) -> RevocationList | None:
    """Of an authority's lists the one with the highest number."""
    own = [r for r in revocations if r.authority == authority]
    return max(own, key=lambda r: r.number, default=None)


def newest_signed(signed: Sequence[Signed], lists: Sequence[RevocationList]) -> dict[str, Signed]:
    """By authority the newest list, as it was signed. lists: the same ones, opened."""
    return {
        one.authority: kept
        for kept, one in zip(signed, lists, strict=True)
        if newest_list(lists, one.authority) is one
    }


def check_selection(
    parts: Sequence[Part], revocations: Sequence[RevocationList], *, now: int, max_age: int | None = None
) -> Selection:
    """These parts, if they can be used together.

    revocations: lists; of each authority all count, and the newest for max_age. max_age: seconds that a list may be old; none: a list
    need not be there. Raises `Refused`: no data set, out of time, revoked, two data sets that do not go together, a record twice, none
    left."""
    if not parts:
        raise Refused("data set", "statement", "none was given")
    for part in parts:
        part.certificate.check_time(now)
        check_alike(parts[0].certificate, part.certificate)
        _check_revoked(part, _left_out(part), revocations, now, max_age)
    selection = Selection(tuple(parts))
    seen: set[tuple[str, bytes]] = set()
    twice: dict[int, list[int]] = {}
    for (number, record), tag in zip(selection.kept, selection.tags(), strict=True):
        if tag in seen:
            twice.setdefault(number, []).append(record)
        seen.add(tag)
    if twice:
        number, records = next(iter(twice.items()))
        raise _twice(parts[number].certificate.serial, records)
    if not selection.kept:
        raise Refused("data set", "statement", "every record is left out")
    return selection


def check_alike(first: DataCertificate, second: DataCertificate) -> None:
    """Raises `Refused` where numbers of the two do not mean the same."""
    for name in ("suite", "features", "classes", "centre", "spread", "extractor"):
        if getattr(first, name) != getattr(second, name):
            detail = (
                f"data sets {first.serial} and {second.serial} differ in {name}: they cannot be used together"
            )
            raise Refused("data set", "statement", detail)


def _twice(serial: str, twice: Sequence[int]) -> Refused:
    """The refusal, with what to leave out."""
    more = f", and {len(twice) - 1} more of its records are: leave out" if twice[1:] else ": leave out"
    some = ",".join(str(i) for i in twice[:_NAMED]) + (" and so on" if twice[_NAMED:] else "")
    return Refused(
        "data set", "statement", f"record {twice[0]} of {serial} is there twice{more} {serial}:{some}"
    )


def _left_out(part: Part) -> frozenset[int]:
    out = part.left_out
    if list(out) != sorted(set(out)) or (out and not 0 <= out[0] <= out[-1] < part.certificate.records):
        raise Refused(
            "data set", "statement", "records that are left out are numbers of records, sorted, each once"
        )
    return frozenset(out)


def _check_revoked(
    part: Part, out: frozenset[int], revocations: Sequence[RevocationList], now: int, max_age: int | None
) -> None:
    certificate = part.certificate
    own = [r for r in revocations if r.authority == certificate.authority]
    newest = newest_list(own, certificate.authority)
    if max_age is not None and (newest is None or now - newest.issued > max_age):
        known = "there is none" if newest is None else f"the newest is of {utc_text(newest.issued)}"
        detail = (
            f"{known}, and the policy allows {max_age} seconds: get a new one from {certificate.authority}"
        )
        raise Refused("revocation list", "expiry", detail)
    if any(certificate.serial in one.serials for one in own):
        raise Refused("data certificate", "revoked", f"{certificate.authority} revoked {certificate.serial}")
    missed = sorted(set(revoked_in(part.data, own)) - out)
    if missed:
        detail = f"{certificate.authority} revoked record {missed[0]} of {certificate.serial}, and it is not left out"
        raise Refused("data set", "revoked", detail)


def revoked_in(data: DataSet, revocations: Sequence[RevocationList]) -> tuple[int, ...]:
    """The records of a data set that any list of its authority revokes: nothing leaves a list again."""
    own = [
        r.records_of(data.certificate.serial)
        for r in revocations
        if r.authority == data.certificate.authority
    ]
    return tuple(sorted(frozenset().union(*own)))


def disjoint(training: Sequence[Part], test: Sequence[Part]) -> None:
    """Raises `Refused` if a record that is left in is in both: equal tags of one authority."""
    both = len({*Selection(tuple(training)).tags()}.intersection(Selection(tuple(test)).tags()))
    if both:
        raise Refused("data set", "statement", f"{both} test records are among the training records")
