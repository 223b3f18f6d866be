"""What uploads hold beside commitment and proof, and the sum of it: clear values, or masked ones, whose sum alone can be opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.policy.parameters import shape
from fedproof.proofs import Commitment, masking
from fedproof.proofs.commitment import blinds_size
from fedproof.proofs.honest_aggregate import RunningTotal
from fedproof.round.chain import Chain
from fedproof.round.masked import MaskedRound, blinds_digest, masked_digest
from fedproof.round.masked_messages import MAX_SHARING, AnyUpload, MaskedUpload, Sharing
from fedproof.round.messages import Announcement, Upload, UploadHeader
from fedproof.round.rules import MAX_PROOF, MAX_SLACK, check_clear_values, check_signed_for, context


class Contents(Protocol):
    """One upload, read and not yet checked."""

    @property
    def upload(self) -> AnyUpload:
        """As it came."""

    def check_signed_for(self, header: UploadHeader) -> None:
        """The rest is what the header names, of a form that a record could hold. Raises `Refused`: it stands against nobody."""

    def count(self, client: str, commitment: Commitment) -> None:
        """Checks what the client signed for, and adds it to the sum. Raises `Refused`: anyone comes to the same answer."""

    def shown(self) -> bytes:
        """What goes on record where `count` refused it."""


@dataclass
class ClearUploads:
    """The aggregator can read them; of what counts it keeps the sum."""

    announcement: Announcement
    session: bytes
    chain: Chain
    sum: RunningTotal = field(init=False)

    def __post_init__(self) -> None:
        self.sum = RunningTotal(self.chain.suite, shape(len(self.chain.W)))

    def limit(self) -> int:
        """Bytes of an upload at most."""
        of = shape(len(self.chain.W))
        return 4 * of.d + of.rows * 64 + MAX_PROOF + MAX_SLACK

    def read(self, data: bytes) -> Contents:
        """Raises `Malformed`."""
        return _Clear(Upload.from_bytes(data, limit=len(data)), self)  # capped by `limit`


@dataclass(frozen=True)
class _Clear:
    upload: Upload
    uploads: ClearUploads

    def check_signed_for(self, header: UploadHeader) -> None:
        check_signed_for(header, self.upload.opening(), self.uploads.chain)

    def count(self, client: str, commitment: Commitment) -> None:
        uploads, announcement = self.uploads, self.uploads.announcement
        opening = check_clear_values(announcement, client, uploads.chain, commitment, self.upload.opening())
        uploads.sum.add(opening, context(announcement, uploads.session, client).weight)

    def shown(self) -> bytes:
        return self.upload.opening().to_bytes()


@dataclass(frozen=True)
class Kept:
    """Of an upload that counts what is asked for before the end. blinds: masked. name: SHA-256 of all of it."""

    blinds: bytes
    sharing: Sharing
    ciphertexts: tuple[bytes, ...]
    name: bytes


@dataclass
class MaskedUploads:
    """Residues that say nothing one by one. elsewhere: where what counts can be read again as it came, by SHA-256, for who is to blame if
    the sum does not open; else it is held here. kept: by client. residues: their sum."""

    round: MaskedRound
    elsewhere: Mapping[bytes, bytes] | None = None
    held: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    kept: dict[str, Kept] = field(default_factory=dict)
    residues: masking.Residues = field(init=False)

    def __post_init__(self) -> None:
        self.residues = np.zeros(self.round.shape.d, np.uint64)

    def limit(self) -> int:
        """Bytes of an upload at most."""
        of = self.round.shape
        return self.round.parameters.width * of.d + of.rows * 96 + MAX_PROOF + MAX_SLACK + MAX_SHARING

    def upload(self, client: str) -> MaskedUpload:
        """As it came."""
        waiting = self.held if self.elsewhere is None else self.elsewhere
        return MaskedUpload.from_bytes(waiting[self.kept[client].name], limit=self.limit())

    def keep(self, client: str, upload: MaskedUpload, data: bytes, residues: masking.Residues) -> None:
        """It counts from here on. data: as it came. residues: its rows."""
        kept = Kept(upload.blinds, upload.sharing, upload.ciphertexts, sha256(data))
        if self.elsewhere is None:
            self.held[kept.name] = data
        self.kept[client] = kept
        self.residues += residues
        self.residues %= np.uint64(self.round.parameters.modulus)

    def sum(self, but: Collection[str]) -> tuple[masking.Residues, bytes]:
        """Residues and blinds of all but these."""
        modulus, total = np.uint64(self.round.parameters.modulus), self.residues.copy()
        for client in but:
            total += modulus - self.unpack(self.upload(client))
            total %= modulus
        blinds = [self.no_blinds(), *(kept.blinds for client, kept in self.kept.items() if client not in but)]
        return total, masking.sum_blinds(self.round.suite, blinds)

    def unpack(self, upload: MaskedUpload) -> masking.Residues:
        """y. Raises `Refused`."""
        return masking.unpack(self.round.parameters.modulus, self.round.shape.d, upload.masked)

    def no_blinds(self) -> bytes:
        """A zero for each row: it has this encoding in every suite."""
        return bytes(blinds_size(self.round.suite, self.round.shape))

    def read(self, data: bytes) -> Contents:
        """Raises `Malformed`."""
        return _Masked(MaskedUpload.from_bytes(data, limit=len(data)), data, self)  # capped by `limit`


@dataclass(frozen=True)
class _Masked:
    """data: what the upload was read from."""

    upload: MaskedUpload
    data: bytes = field(repr=False)
    uploads: MaskedUploads

    @cached_property
    def _residues(self) -> masking.Residues:
        """Raises `Refused`."""
        return self.uploads.unpack(self.upload)

    def check_signed_for(self, header: UploadHeader) -> None:
        upload, round = self.upload, self.uploads.round
        length = len(upload.sharing.to_bytes())
        if length > MAX_SHARING:
            # Nobody who reads the record would take it as evidence.
            raise round.refuse(
                "upload", "shape", f"{length} bytes of sharing, at most {MAX_SHARING}", header.client
            )
        made = (
            masked_digest(round, upload.masked),
            blinds_digest(upload.blinds),
            upload.sharing.digest(),
        )
        if made != (header.masked, header.blinds, header.sharing):
            detail = "rows, blinds or sharing are not the ones in the signed header"
            raise round.refuse("upload", "digest", detail, header.client)
        if tuple(map(sha256, upload.ciphertexts)) != upload.sharing.ciphertexts:
            detail = "the ciphertexts are not the ones in the signed header"
            raise round.refuse("upload", "digest", detail, header.client)
        if len(upload.blinds) != len(self.uploads.no_blinds()):
            raise round.refuse("upload", "shape", "not one masked blind for each row", header.client)
        try:
            masking.sum_blinds(round.suite, [self.uploads.no_blinds(), upload.blinds])
            _ = self._residues
        except Refused as error:
            raise round.refuse("upload", error.stage, error.detail, header.client) from None

    def count(self, client: str, commitment: Commitment) -> None:
        self.uploads.round.check_sharing(client, self.upload.sharing)
        self.uploads.keep(client, self.upload, self.data, self._residues)

    def shown(self) -> bytes:
        return self.upload.sharing.to_bytes()
