"""The bundle of a trained head: everything that a verifier needs besides the model, its own policy and its own trust file.

Layout (spec/training.md §5):

    certificate.dsse.json                the signed statement
    policy.cbor                          the policy's deterministic encoding; only ever compared
    training.cbor                        what was trained on what
    proof.bin                            the proof
    data/SERIAL/certificate.cbor         each data set, as its authority published it
    data/SERIAL/records.bin
    data/SERIAL/croissant.json
    revocations/AUTHORITY.cbor           the newest lists that the trainer had, if any

A bundle comes from strangers: a file or folder of another name is refused before anything is read."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fedproof.data.dataset import DataSet
from fedproof.data.files import PUBLIC, read_data_set
from fedproof.encoding.files import read_capped, sync_folder, write_atomic
from fedproof.encoding.text import is_name, printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import VerifyKey
from fedproof.identity.signed import Signed
from fedproof.provenance.bundle import CERTIFICATE, MAX_POLICY, POLICY
from fedproof.provenance.dsse import MAX_ENVELOPE
from fedproof.training.proof import Training

TRAINING: Final = "training.cbor"
PROOF: Final = "proof.bin"
DATA: Final = "data"
REVOCATIONS: Final = "revocations"

MAX_TRAINING: Final = 1 << 27
MAX_PROOF: Final = 1 << 27
MAX_LIST: Final = 1 << 26
MAX_SETS: Final = 1024
_SERIAL = re.compile(r"[0-9a-f]{32}")
_LIST = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})\.cbor")


def is_training_bundle(root: Path) -> bool:
    """Whether a folder is a bundle of this kind rather than a federation's."""
    return (root / TRAINING).exists()


@dataclass(frozen=True)
class TrainingBundle:
    """A bundle on disk, read-only. serials: of its data sets, sorted. lists: the authorities whose revocation lists it holds, sorted."""

    root: Path
    serials: tuple[str, ...]
    lists: tuple[str, ...]

    @classmethod
    def open(cls, root: Path) -> TrainingBundle:
        """Looks at the whole tree. Raises `Refused` (subject "bundle", stage "digest") for what belongs to no bundle, and `Malformed` for a
        missing file or a folder that cannot be read."""
        top = _names(root)
        for name in sorted(top - {CERTIFICATE, POLICY, TRAINING, PROOF, DATA, REVOCATIONS}):
            raise _unexpected(name)
        for name in (POLICY, TRAINING, PROOF, DATA):
            if name not in top:
                raise Malformed(f"bundle: {name} is missing; was the bundle copied whole?")
        serials = sorted(_names(root / DATA))
        for serial in serials:
            if not _SERIAL.fullmatch(serial):
                raise _unexpected(f"{DATA}/{serial}")
            for name in sorted(_names(root / DATA / serial) - set(PUBLIC)):
                raise _unexpected(f"{DATA}/{serial}/{name}")
        lists = sorted(_names(root / REVOCATIONS)) if REVOCATIONS in top else []
        for name in lists:
            if not _LIST.fullmatch(name):
                raise _unexpected(f"{REVOCATIONS}/{name}")
        return cls(root, tuple(serials), tuple(name.removesuffix(".cbor") for name in lists))

    def certificate(self) -> bytes:
        """The envelope. Raises `Malformed` if there is none."""
        return read_capped(self.root / CERTIFICATE, MAX_ENVELOPE)

    def policy(self) -> bytes:
        """The policy's encoding, to be compared with the verifier's own."""
        return read_capped(self.root / POLICY, MAX_POLICY)

    def training(self) -> Training:
        """Raises `Refused` (stage "decoding")."""
        try:
            return Training.from_bytes(read_capped(self.root / TRAINING, MAX_TRAINING), limit=MAX_TRAINING)
        except Malformed as error:
            raise Refused("training", "decoding", str(error)) from None

    def proof(self) -> bytes:
        """The proof's bytes."""
        return read_capped(self.root / PROOF, MAX_PROOF)

    def data_sets(self, authorities: Mapping[str, VerifyKey]) -> dict[bytes, DataSet]:
        """All data sets by the digests of their certificates. Raises `Refused` for one that no authority signed, or that stands under
        another's serial."""
        found = {}
        for serial in self.serials:
            data = read_data_set(self.root / DATA / serial, authorities)
            if data.certificate.serial != serial:
                raise Refused(
                    "data set", "digest", f"it stands under {serial} and is {data.certificate.serial}"
                )
            found[data.certificate.digest()] = data
        return found

    def revocations(self) -> list[Signed]:
        """Its revocation lists, signatures not looked at. Raises `Refused` (stage "decoding")."""
        found = []
        for name in self.lists:
            try:
                found.append(
                    Signed.from_bytes(
                        read_capped(self.root / REVOCATIONS / f"{name}.cbor", MAX_LIST), limit=MAX_LIST
                    )
                )
            except Malformed as error:
                raise Refused("revocation list", "decoding", str(error)) from None
        return found


def write_training_bundle(
    root: Path,
    *,
    policy: bytes,
    training: Training,
    proof: bytes,
    folders: Sequence[Path],
    serials: Sequence[str],
    revocations: Mapping[str, Signed],
) -> TrainingBundle:
    """Writes a bundle without a certificate, whole or not at all. folders: of the data sets; what is public of them is copied.
    revocations: by authority. Raises `UsageError` if `root` exists."""
    if root.exists() or root.is_symlink():
        raise UsageError(f"{printable(str(root))} exists; a bundle is written to a new folder")
    draft = Path(tempfile.mkdtemp(dir=root.parent, prefix=f".{root.name[:64]}.", suffix=".tmp"))
    try:
        draft.chmod(0o755)
        write_atomic(draft / POLICY, policy)
        write_atomic(draft / TRAINING, training.to_bytes())
        write_atomic(draft / PROOF, proof)
        for folder, serial in zip(folders, serials, strict=True):
            target = draft / DATA / serial
            target.mkdir(parents=True)
            for name, limit in PUBLIC.items():
                write_atomic(target / name, read_capped(folder / name, limit))
        for name, signed in revocations.items():
            if not is_name(name):
                raise UsageError(f"{printable(name)} is no name of an authority")
            (draft / REVOCATIONS).mkdir(exist_ok=True)
            write_atomic(draft / REVOCATIONS / f"{name}.cbor", signed.to_bytes())
        os.rename(draft, root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync_folder(root.parent)
    return TrainingBundle.open(root)


def _names(folder: Path) -> set[str]:
    """What a folder of a bundle holds. Raises `Malformed`: no folder, a link, too much in it."""
    shown = printable(str(folder))
    if folder.is_symlink() or not folder.is_dir():
        raise Malformed(f"{shown}: no bundle there; expected a folder, not a link")
    try:
        names = {entry.name for entry in os.scandir(folder)}
    except OSError as error:
        raise Malformed(f"bundle: {shown}: {error.strerror}") from None
    if len(names) > MAX_SETS:
        raise Malformed(f"bundle: {shown} holds more than {MAX_SETS} files")
    return names


def _unexpected(relative: str) -> Refused:
    return Refused("bundle", "digest", f"{printable(relative)} does not belong there")
