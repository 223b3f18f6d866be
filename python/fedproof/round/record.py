"""The record of a round: everything that a third party needs to check it again (spec/round.md §5).

The log's entry is small and names the body by its SHA-256; the body holds the signed messages and names commitments, proofs and the
total. Blobs are content-addressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.identity.signed import Signed
from fedproof.round.messages import MAX_PARTICIPANTS, Count, Result

MAX_BODY = 1 << 28
"""Bytes of a round's body at most."""


class RecordedUpload(Record):
    """An upload with a good signature whose parts match its header, accepted or refused. points, proof: SHA-256 of the blobs.
    opening: that of the `UploadOpening` (of a masked upload the `Sharing`) if this is what failed, of the evidence if its client is named,
    none for every other upload."""

    client: Name
    header: Signed
    verdict: Signed
    points: Digest
    proof: Digest
    opening: Digest | None


class RoundBody(Message):
    """announcement, result: signed by the aggregator. uploads: sorted by client. All of it, and
    with it the entry, follows from what is signed: who changes it on its way makes no other record that holds."""

    KIND: ClassVar[str] = "round-body"

    announcement: Signed
    result: Signed
    uploads: Annotated[tuple[RecordedUpload, ...], Field(max_length=MAX_PARTICIPANTS)]


class RoundEntry(Message):
    """An entry of the log. level: 0; shards will nest. previous: digest of the entry before (zero for the first). body: SHA-256."""

    KIND: ClassVar[str] = "round-entry"

    level: Annotated[int, Field(ge=0, le=0)]
    round: Count
    attempt: Count
    previous: Digest
    body: Digest


def body_blobs(body: RoundBody, result: Result) -> Iterator[bytes]:
    """SHA-256 of every blob that a body names."""
    for upload in body.uploads:
        yield upload.points
        yield upload.proof
        if upload.opening is not None:
            yield upload.opening
    if result.total is not None:
        yield result.total
    if result.proof is not None:
        yield result.proof


def named_blobs(entry: RoundEntry, read: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """SHA-256 of every blob that belongs to an entry, its body first. Reads what it must; signatures are not looked at."""
    yield entry.body
    body = RoundBody.from_bytes(read(entry.body), limit=MAX_BODY)
    yield from body_blobs(body, Result.from_bytes(body.result.payload))
