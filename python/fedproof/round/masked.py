"""What all parties of a masked round hold in common, and how secrets become masks (spec/secure-aggregation.md §2 to §4). Everything
here follows from the announcement and the policy: nobody's word is taken for it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedproof.encoding import cbor
from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.roster import Roster
from fedproof.identity.signed import Signed
from fedproof.policy.masking import MaskParameters
from fedproof.policy.parameters import Shape, shape
from fedproof.policy.policy import Policy
from fedproof.proofs import masking
from fedproof.proofs.commitment import point_size
from fedproof.round.chain import Chain
from fedproof.round.masked_messages import Acknowledgement, Sharing
from fedproof.round.messages import MAX_PARTICIPANTS, Announcement, Ready, UploadHeader

_DOMAIN = b"fedproof/v1/"
_ZERO = bytes(32)
"""The scalar."""

KEYS = ("mask", "encryption")
"""What the keys of a `Ready` are for, in their order."""


def parameters(policy: Policy, participants: int) -> MaskParameters:
    """Of a round of so many. Raises `Refused` (object "announcement", stage "policy") where an inequality of the protocol fails."""
    bounds = policy.update
    try:
        return MaskParameters.of(policy.masking, bounds.max_abs, bounds.weights.max, participants)
    except ValueError as error:
        raise Refused("announcement", "policy", str(error)) from None


def most_participants(policy: Policy) -> int:
    """Of one round."""
    return policy.masking.max_clients if policy.masking.enabled else MAX_PARTICIPANTS


def key_context(federation: str, round: int, attempt: int, client: str, which: str) -> bytes:
    """What a proof of possession is bound to: keys come before there is an announcement."""
    place = {"federation": federation, "round": round, "attempt": attempt, "client": client, "key": which}
    return cbor.encode({"kind": "round-key", **place})


def check_keys(ready: Ready, policy: Policy, suite: str) -> None:
    """A `Ready` has two keys, each with its proof, exactly where the policy asks for masks. Raises `Refused` (object "ready")."""

    def refuse(stage: str, detail: str) -> Refused:
        return Refused("ready", stage, detail, party=ready.client, round=ready.round)

    wanted = KEYS if policy.masking.enabled else ()
    if len(ready.keys) != len(wanted):
        raise refuse("policy", f"{len(ready.keys)} keys for masks, the policy asks for {len(wanted)}")
    if len({key.key for key in ready.keys}) < len(wanted):
        raise refuse("statement", "one key for two purposes")
    for which, key in zip(wanted, ready.keys, strict=True):
        context = key_context(ready.federation, ready.round, ready.attempt, ready.client, which)
        try:
            masking.verify_key(suite, key.key, context, key.proof)
        except Refused as error:
            raise refuse(error.stage, f"its {which} key: {error.detail}") from None


@dataclass(frozen=True)
class MaskedRound:
    """An announcement that was checked, and whose round is masked. session: its digest."""

    announcement: Announcement
    session: bytes
    chain: Chain
    roster: Roster

    @property
    def suite(self) -> str:
        """Of all keys, points and scalars."""
        return self.chain.suite

    @cached_property
    def parameters(self) -> MaskParameters:
        """k, t, q for this many participants."""
        return parameters(self.chain.policy, len(self.announcement.participants))

    @cached_property
    def carry_bits(self) -> int:
        """ℓ: of an honest upload's fingerprint, how often the modulus goes into it, has at most so many bits."""
        bounds, parameters = self.chain.policy.update, self.parameters
        largest = bounds.weights.max * self.shape.d * parameters.modulus * bounds.max_abs
        return (largest + parameters.neighbours + 2).bit_length()

    @cached_property
    def shape(self) -> Shape:
        """Of every upload."""
        return shape(len(self.chain.W))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Participants by name; a holder's number, from 1, is where its shares are evaluated."""
        return {p.client: n for n, p in enumerate(self.announcement.participants, 1)}

    @cached_property
    def _keys(self) -> dict[str, tuple[bytes, bytes]]:
        """Those that were asked for."""
        return {}

    def _keys_of(self, client: str) -> tuple[bytes, bytes]:
        if client not in self._keys:
            participant = self.announcement.participants[self.numbers[client] - 1]
            mask, encryption = Ready.from_bytes(participant.ready.payload).keys
            self._keys[client] = mask.key, encryption.key
        return self._keys[client]

    def mask_key(self, client: str) -> bytes:
        """E, of a participant."""
        return self._keys_of(client)[0]

    def encryption_key(self, client: str) -> bytes:
        """N, of a participant."""
        return self._keys_of(client)[1]

    @cached_property
    def _neighbours(self) -> dict[str, list[str]]:
        """Those that were asked for."""
        return {}

    def neighbours(self, client: str) -> list[str]:
        """Those with whom it shares a mask, and who hold its shares: everybody else, or half as many on either side of the circle in which
        participants stand by number. Sorted by name."""
        if client not in self._neighbours:
            participants, n, k = self.announcement.participants, len(self.numbers), self.parameters.neighbours
            at, half = self.numbers[client] - 1, k // 2
            others = [(at + step) % n for step in range(-half, half + 1)] if k < n - 1 else range(n)
            self._neighbours[client] = [participants[place].client for place in sorted(others) if place != at]
        return self._neighbours[client]

    def are_neighbours(self, client: str, other: str) -> bool:
        """Whether they share a mask."""
        numbers, n = self.numbers, len(self.numbers)
        if client == other or not {client, other} <= numbers.keys():
            return False
        apart = (numbers[client] - numbers[other]) % n
        return min(apart, n - apart) <= (self.parameters.neighbours + 1) // 2

    def place(self, dealer: str, holder: str) -> int:
        """Of what the dealer sealed for this neighbour, among its ciphertexts. From 0."""
        return self.neighbours(dealer).index(holder)

    def quorum(self, client: str, members: Set[str]) -> bool:
        """Whether at least `threshold` of the client's neighbours are among the members. The client itself does not count."""
        return sum(n in members for n in self.neighbours(client)) >= self.parameters.threshold

    def refuse(self, subject: str, stage: str, detail: str, party: str | None = None) -> Refused:
        """An error of this round."""
        return Refused(subject, stage, detail, party=party, round=self.announcement.round)

    # --- secrets ---------------------------------------------------------------------------------------------------

    def _derive(self, secret: bytes, label: str, *names: str) -> bytes:
        """32 bytes from a secret, for one purpose in the session. Names have no zero byte."""
        info = b"\0".join([_DOMAIN + label.encode(), *(n.encode() for n in names)])
        return HKDF(hashes.SHA256(), 32, self.session, info).derive(secret)

    def pair_seed(self, own: str, other: str, shared: bytes, *, removed: bool = False) -> masking.Seed:
        """Of the mask between two neighbours, as `own` adds it: the end whose name comes first adds, the other subtracts. shared: the point
        that their mask keys share. removed: to take it away again."""
        first, second = sorted((own, other))
        seed = self._derive(shared, "pair mask", first, second)
        return masking.Seed(seed, (own == second) != removed)

    def self_seed(self, client: str, secret: bytes, *, removed: bool = False) -> masking.Seed:
        """Of a client's own mask."""
        return masking.Seed(self._derive(secret, "self mask", client), removed)

    def sealing_key(self, dealer: str, holder: str, shared: bytes) -> bytes:
        """Of what a dealer sends a holder. shared: the point that their encryption keys share."""
        return self._derive(shared, "sealed shares", dealer, holder)

    def blind_seed(self, own: str, other: str, shared: bytes, accepted: bytes) -> bytes:
        """Of what hides the fingerprints of their mask. accepted: digest of the set."""
        return self._derive(shared, "pair fingerprint", *sorted((own, other)), accepted.hex())

    # --- contexts of proofs ------------------------------------------------------------------------------------------

    def _context(self, kind: str, **names: str) -> bytes:
        return cbor.encode({"kind": kind, "session": self.session, **names})

    def pair_context(self, member: str, other: str, holder: str) -> bytes:
        """Of an opened pair, by an end (`holder` is `member`) or by a holder of the member's shares."""
        return self._context("opened-pair", member=member, other=other, holder=holder)

    def complaint_context(self, dealer: str, holder: str) -> bytes:
        """Of a ciphertext that its holder opens to everybody."""
        return self._context("complaint", dealer=dealer, holder=holder)

    # --- what clients sign -----------------------------------------------------------------------------------------

    def open_header(self, signed: Signed, client: str) -> UploadHeader:
        """A masked upload's header, which this client signed for the session. Raises `Refused`."""
        header = signed.open(UploadHeader, self.roster.key_of(client), party=client)
        if header.client != client or header.session != self.session or header.sharing is None:
            raise self.refuse("upload-header", "statement", "not of a masked upload of the session", client)
        return header

    def acknowledges(self, signed: Signed, client: str, accepted: bytes) -> bool:
        """Whether the client signed for this set in the session."""
        try:
            message = signed.open(Acknowledgement, self.roster.key_of(client), party=client)
        except Refused:
            return False
        return (message.session, message.client, message.accepted) == (self.session, client, accepted)

    @cached_property
    def _images(self) -> dict[tuple[bytes, int], bytes]:
        """share·D, by commitments and holder's number, as far as it was asked for."""
        return {}

    def share_image(self, commitments: bytes, holder: int, *others: int) -> bytes:
        """share·D of a holder's share. others: of whom it will be asked, too. Raises `Refused`."""
        if (commitments, holder) not in self._images:
            self._find_images([commitments], [holder, *others])
        return self._images[commitments, holder]

    def _find_images(self, commitments: Sequence[bytes], holders: Sequence[int]) -> None:
        size = point_size(self.suite)
        found = masking.share_images(self.suite, commitments, holders)
        pairs = ((c, holder) for c in commitments for holder in holders)
        for at, pair in enumerate(pairs):
            self._images[pair] = found[at * size : (at + 1) * size]

    def foresee_shares(self, sharings: Sequence[Sharing], holder: str) -> None:
        """What `check_sharing` and `good_shares` will work out of each, at once. What cannot be read is theirs to refuse."""
        wanted = self.parameters.threshold * point_size(self.suite)
        commitments = [
            c for s in sharings for c in (s.self_commitments, s.key_commitments) if len(c) == wanted
        ]
        with suppress(Refused):
            self._find_images(commitments, [self.numbers[holder]])

    def check_sharing(self, client: str, sharing: Sharing, holder: str | None = None) -> None:
        """As many commitments as holders it takes, no more; the shared key is the announced one; a ciphertext for each neighbour. holder:
        who will check a share; all of them if nothing is said. Raises `Refused`: the client signed for it, and anyone comes to the
        same answer."""
        size = point_size(self.suite)
        wanted = self.parameters.threshold * size
        holders = [self.numbers[n] for n in ([holder] if holder is not None else self.neighbours(client))]
        for which, commitments in (("self", sharing.self_commitments), ("key", sharing.key_commitments)):
            if len(commitments) != wanted:
                detail = f"{len(commitments)} bytes of {which} commitments, {wanted} are {self.parameters.threshold} points"
                raise self.refuse("sharing", "shape", detail, client)
            try:
                self.share_image(commitments, *(holders if which == "self" else holders[:1]))
            except Refused as error:
                raise self.refuse(
                    "sharing", error.stage, f"{which} commitments: {error.detail}", client
                ) from None
        if sharing.key_commitments[:size] != self.mask_key(client):
            raise self.refuse("sharing", "statement", "shares another key than its mask key", client)
        if len(sharing.ciphertexts) != self.parameters.neighbours:
            detail = f"{len(sharing.ciphertexts)} ciphertexts for {self.parameters.neighbours} neighbours"
            raise self.refuse("sharing", "shape", detail, client)

    def good_shares(self, holder: str, shares: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """shares: commitments, and 32 bytes. Whether each is the share of what was committed to that the holder must have."""
        images = [self.share_image(commitments, self.numbers[holder]) for commitments, _ in shares]

        def good(some: slice) -> bool:
            try:
                keys = masking.public_keys(self.suite, b"".join(share for _, share in shares[some]))
            except Refused:
                return False
            return keys == b"".join(images[some])

        everything = good(slice(None))  # one call is faster than many
        return [everything or good(slice(at, at + 1)) for at in range(len(shares))]

    def check_pair(self, member: str, other: str, point: bytes, proof: bytes) -> None:
        """The point that two neighbours' mask keys share, proved by `member`. Raises `Refused`."""
        self._check_equal(
            self.mask_key(member), self.pair_context(member, other, member), other, point, proof
        )

    def check_part(
        self, sharing: Sharing, member: str, other: str, holder: str, point: bytes, proof: bytes
    ) -> None:
        """share·E of the other's mask key, proved by the holder against the member's commitments. Raises `Refused`, also for a holder that
        the member gave no share."""
        if not self.are_neighbours(member, holder):
            raise self.refuse("key proof", "statement", f"holds no share of {member}'s", holder)
        image = self.share_image(sharing.key_commitments, self.numbers[holder])
        if image == masking.public_keys(self.suite, _ZERO):
            # A dealer can have it so. The identity proves nothing, and here nothing is left to prove.
            if point != image:
                raise self.refuse("key proof", "argument", "a share of zero makes another point", holder)
            return
        self._check_equal(image, self.pair_context(member, other, holder), other, point, proof)

    def _check_equal(self, image: bytes, context: bytes, other: str, point: bytes, proof: bytes) -> None:
        masking.verify_key(self.suite, image + point, context, proof, self.mask_key(other))


def packed_rows(round: MaskedRound, masked: bytes) -> list[bytes]:
    """y row by row; the last may be short."""
    length = round.shape.columns * round.parameters.width
    return [masked[at : at + length] for at in range(0, len(masked), length)]


def row_hashes(round: MaskedRound, masked: bytes) -> bytes:
    """Of all rows, one after the other."""
    return b"".join(row_digest(number, row) for number, row in enumerate(packed_rows(round, masked)))


def rows_digest(hashes: bytes) -> bytes:
    """Digest of the packed rows of y, from the hash of each, so that one row can be shown alone."""
    return sha256(_DOMAIN + b"masked rows\0" + hashes)


def masked_digest(round: MaskedRound, masked: bytes) -> bytes:
    """The same, from the rows."""
    return rows_digest(row_hashes(round, masked))


def row_digest(number: int, row: bytes) -> bytes:
    """Of one packed row of y."""
    return sha256(_DOMAIN + b"masked row\0" + number.to_bytes(8, "little") + row)


def blinds_digest(blinds: bytes) -> bytes:
    """Of the masked blinds of all rows."""
    return sha256(_DOMAIN + b"masked blinds\0" + blinds)
