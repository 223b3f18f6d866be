"""The requests of a masked round after its uploads, by kind, and a client's answers to them (spec/secure-aggregation.md §5 to §11)."""

from __future__ import annotations

from typing import TypeAlias, get_args

from fedproof.encoding.message import read_one_of
from fedproof.round.blame_messages import MAX_EVIDENCE, ConflictRequest, FingerprintRequest, RepairRequest
from fedproof.round.client import Client
from fedproof.round.masked_messages import AcceptedSet, AgreeRequest, RecoveryRequest, UnmaskRequest

Request: TypeAlias = (
    AgreeRequest | UnmaskRequest | RecoveryRequest | FingerprintRequest | ConflictRequest | RepairRequest
)
_LIMIT = 2 * MAX_EVIDENCE


def read_request(data: bytes) -> Request:
    """Raises `Malformed`."""
    request: Request = read_one_of(get_args(Request), data, what="request", limit=_LIMIT)
    return request


def session_of(request: Request) -> bytes:
    """The session that it says it is of. Raises `Malformed` where the set cannot be read: nothing is believed by that."""
    if isinstance(request, AgreeRequest | UnmaskRequest):
        return AcceptedSet.from_bytes(request.accepted.payload).session
    return request.session


def answer(client: Client, request: Request) -> bytes:
    """What the client answers, encoded. Raises `Refused`, `Malformed`: then it answers nothing."""
    session = session_of(request)
    if isinstance(request, AgreeRequest):
        return client.acknowledge(session, request.accepted).to_bytes()
    if isinstance(request, UnmaskRequest):
        return client.unmask(session, request).to_bytes()
    if isinstance(request, RecoveryRequest):
        return client.recover(session, request).to_bytes()
    if isinstance(request, FingerprintRequest):
        return client.fingerprints(session, request).to_bytes()
    return client.disclose(session, request).to_bytes()
