"""The bundle of a trained head: everything that a verifier needs besides the model, its own policy and its own trust file.

Layout (spec/training.md §5):

    certificate.dsse.json                the signed statement
    policy.cbor                          the policy's deterministic encoding; only ever compared
    training.cbor                        what was trained on what
    proof.bin                            the proof
    data/SERIAL/certificate.cbor         each data set, as its authority published it
    data/SERIAL/records.bin
    data/SERIAL/croissant.json
    accuracy.cbor                        what was proved on the test set, if the policy registers one
    test/SERIAL/...                      its data sets, likewise
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
from fedproof.data.files import MAX_LIST, PUBLIC, read_data_set
from fedproof.data.selection import Part
from fedproof.encoding.files import read_capped, sync_folder, write_atomic
from fedproof.encoding.text import is_name, printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import VerifyKey
from fedproof.identity.signed import Signed
from fedproof.provenance.bundle import CERTIFICATE, MAX_POLICY, POLICY, not_the_folder_above
from fedproof.provenance.dsse import MAX_ENVELOPE
from fedproof.training.accuracy import Accuracy
from fedproof.training.proof import Training, UsedData

TRAINING: Final = "training.cbor"
PROOF: Final = "proof.bin"
DATA: Final = "data"
REVOCATIONS: Final = "revocations"
ACCURACY: Final = "accuracy.cbor"
TEST: Final = "test"

MAX_TRAINING: Final = 1 << 27
MAX_PROOF: Final = 1 << 27
MAX_ACCURACY: Final = MAX_PROOF + MAX_TRAINING
MAX_SETS: Final = 1024
_SERIAL = re.compile(r"[0-9a-f]{32}")
_TOP: Final = {CERTIFICATE, POLICY, TRAINING, PROOF, DATA, REVOCATIONS, ACCURACY, TEST}
_LIST = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})\.cbor")


def is_training_bundle(root: Path) -> bool:
    """Whether a folder is a bundle of this kind rather than a federation's."""
    return (root / TRAINING).exists()


@dataclass(frozen=True)
class TrainingBundle:
    """A bundle on disk, read-only. serials: of its data sets, sorted; tests: of its test sets. lists: the authorities whose revocation
    lists it holds, sorted."""

    root: Path
    serials: tuple[str, ...]
    tests: tuple[str, ...]
    lists: tuple[str, ...]

    @classmethod
    def open(cls, root: Path) -> TrainingBundle:
        """Looks at the whole tree. Raises `Refused` (subject "bundle", stage "digest") for what belongs to no bundle, and `Malformed` for a
        missing file or a folder that cannot be read."""
        top = _names(root)
        not_the_folder_above(root)
        for name in sorted(top - _TOP):
            raise _unexpected(name)
        for name in (POLICY, TRAINING, PROOF, DATA):
            if name not in top:
                raise Malformed(f"bundle: {name} is missing; was the bundle copied whole?")
        serials = _serials(root, DATA)
        tests = _serials(root, TEST) if TEST in top else ()
        if TEST in top and not tests:
            raise _unexpected(TEST)
        lists = sorted(_names(root / REVOCATIONS)) if REVOCATIONS in top else []
        for name in lists:
            if not _LIST.fullmatch(name):
                raise _unexpected(f"{REVOCATIONS}/{name}")
        return cls(root, serials, tests, tuple(name.removesuffix(".cbor") for name in lists))

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
        return self._sets(DATA, self.serials, authorities)

    def test_sets(self, authorities: Mapping[str, VerifyKey]) -> dict[bytes, DataSet]:
        """The test sets, likewise."""
        return self._sets(TEST, self.tests, authorities)

    def accuracy(self) -> Accuracy | None:
        """What was proved on the test set, if anything. Raises `Refused` (stage "decoding")."""
        path = self.root / ACCURACY
        if not path.exists() and not path.is_symlink():
            return None
        try:
            return Accuracy.from_bytes(read_capped(path, MAX_ACCURACY), limit=MAX_ACCURACY)
        except Malformed as error:
            raise Refused("accuracy", "decoding", str(error)) from None

    def _sets(
        self, folder: str, serials: Sequence[str], authorities: Mapping[str, VerifyKey]
    ) -> dict[bytes, DataSet]:
        found = {}
        for serial in serials:
            data = read_data_set(self.root / folder / serial, authorities)
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


def parts_of(used: Sequence[UsedData], found: dict[bytes, DataSet], subject: str) -> tuple[Part, ...]:
    """The data sets that a message names, all of them there and no other. subject: the message. Raises `Refused`."""
    named = [one.certificate for one in used]
    if len(set(named)) != len(named):
        raise Refused(subject, "statement", "it names a data set twice")
    for digest in named:
        if digest not in found:
            raise Refused("data set", "digest", f"{digest.hex()} is named and not in the bundle")
    if len(found) != len(named):
        raise Refused("bundle", "digest", f"it holds a data set that {subject} does not name")
    return tuple(Part(found[one.certificate], one.left_out) for one in used)


def write_training_bundle(
    root: Path,
    *,
    policy: bytes,
    training: Training,
    proof: bytes,
    data: Mapping[str, Path],
    revocations: Mapping[str, Signed],
    accuracy: Accuracy | None = None,
    tests: Mapping[str, Path] | None = None,
) -> TrainingBundle:
    """Writes a bundle without a certificate, whole or not at all. data, tests: folders by serial; what is public of them is copied.
    revocations: by authority. Raises `UsageError` if `root` exists."""
    if root.exists() or root.is_symlink():
        raise UsageError(f"{printable(str(root))} exists; a bundle is written to a new folder")
    draft = Path(tempfile.mkdtemp(dir=root.parent, prefix=f".{root.name[:64]}.", suffix=".tmp"))
    try:
        draft.chmod(0o755)
        write_atomic(draft / POLICY, policy)
        write_atomic(draft / TRAINING, training.to_bytes())
        write_atomic(draft / PROOF, proof)
        if accuracy is not None:
            write_atomic(draft / ACCURACY, accuracy.to_bytes())
        for kind, folders in ((DATA, data), (TEST, tests or {})):
            for serial, folder in folders.items():
                target = draft / kind / serial
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


def _serials(root: Path, folder: str) -> tuple[str, ...]:
    """The data sets of a bundle's folder, sorted."""
    serials = sorted(_names(root / folder))
    for serial in serials:
        if not _SERIAL.fullmatch(serial):
            raise _unexpected(f"{folder}/{serial}")
        for name in sorted(_names(root / folder / serial) - set(PUBLIC)):
            raise _unexpected(f"{folder}/{serial}/{name}")
    return tuple(serials)


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
