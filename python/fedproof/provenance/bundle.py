"""The bundle: everything that a verifier needs besides the model, its own policy and its own trust file.

Layout (spec/certificate.md §5):

    certificate.dsse.json   the signed statement
    policy.cbor             the policy's deterministic encoding; only ever compared
    roster.cbor             the endorsed roster
    log/                    the record, a tlog-tiles log with a signed checkpoint
    blobs/ab/abcd…          what the record names, each under its SHA-256

A bundle comes from strangers: nothing in it is opened before the whole tree was seen to hold regular files of
known names and bounded sizes, and no name in it ever becomes a path.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from fedproof.encoding.digest import sha256
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.log.layout import MAX_BYTES, log_files
from fedproof.log.note import MAX_NOTE, Checkpoint
from fedproof.provenance.dsse import MAX_ENVELOPE

CERTIFICATE: Final = "certificate.dsse.json"
POLICY: Final = "policy.cbor"
ROSTER: Final = "roster.cbor"
LOG: Final = "log"
BLOBS: Final = "blobs"

MAX_POLICY: Final = 1 << 20
MAX_ROSTER: Final = 1 << 24
MAX_BLOB: Final = 1 << 32
MAX_FILES: Final = 1 << 20
MAX_DEPTH: Final = 12
_FOLDER = re.compile(r"[0-9a-f]{2}")
_BLOB = re.compile(r"[0-9a-f]{64}")
_LOG_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Bundle:
    """A bundle on disk, read-only. `open` looks at the tree; every blob is checked against its name when it
    is read.
    """

    def __init__(self, root: Path, blobs: frozenset[bytes], log_files: frozenset[str]) -> None:
        self.root = root
        self.blobs = blobs
        self._log_files = log_files
        self._read: set[bytes] = set()

    @classmethod
    def open(cls, root: Path) -> Bundle:
        """Raises `Refused` (subject "bundle", stage "digest") for a file or folder that belongs to no bundle, and `Malformed`
        for a missing file, a link, a special file, or sizes beyond the limits.
        """
        try:
            not_the_folder_above(root)
            tree = _tree(root)
        except OSError as error:  # a name too long, a file that vanished
            raise Malformed(f"bundle: {printable(str(root))}: {error.strerror}") from None
        blobs: set[bytes] = set()
        log_files: set[str] = set()
        required = {POLICY, ROSTER}
        for relative, size in tree:
            parts = relative.split("/")
            required.discard(relative)
            if parts[0] == BLOBS and len(parts) == 3:
                if not (_BLOB.fullmatch(parts[2]) and parts[1] == parts[2][:2]):
                    raise _unexpected(relative)
                _limit(relative, size, MAX_BLOB)
                blobs.add(bytes.fromhex(parts[2]))
            elif parts[0] == LOG and len(parts) > 1:
                if not all(_LOG_PART.fullmatch(part) for part in parts[1:]):
                    raise _unexpected(relative)
                log_files.add(relative.removeprefix(f"{LOG}/"))
            elif relative not in (CERTIFICATE, POLICY, ROSTER):
                raise _unexpected(relative)
        if required:
            raise Malformed(f"bundle: {min(required)} is missing; was the bundle copied whole?")
        return cls(root, frozenset(blobs), frozenset(log_files))

    def certificate(self) -> bytes:
        """The envelope. Raises `Malformed` if there is none."""
        return read_capped(self.root / CERTIFICATE, MAX_ENVELOPE)

    def policy(self) -> bytes:
        """The policy's encoding, to be compared with the verifier's own."""
        return read_capped(self.root / POLICY, MAX_POLICY)

    def roster(self) -> bytes:
        """The signed roster."""
        return read_capped(self.root / ROSTER, MAX_ROSTER)

    @property
    def log(self) -> Path:
        """The folder of the record."""
        return self.root / LOG

    def blob(self, digest: bytes, what: str, *, limit: int = MAX_BLOB, round: int | None = None) -> bytes:
        """The bytes whose SHA-256 is `digest`; `what` names them in errors.

        Raises `Refused` (subject `what`, stage "digest") if they are missing or not what their name says, and
        `Malformed` if there are more than `limit`.
        """
        if digest not in self.blobs:
            raise Refused(what, "digest", f"blob {digest.hex()} is not in the bundle", round=round)
        name = digest.hex()
        data = read_capped(self.root / BLOBS / name[:2] / name, limit)
        if sha256(data) != digest:
            raise Refused(what, "digest", f"blob {name} holds other bytes than its name says", round=round)
        self._read.add(digest)
        return data

    def read(self, digest: bytes, what: str, limit: int) -> bytes:
        """As `blob`: the form in which `fedproof.round.verify` asks."""
        return self.blob(digest, what, limit=limit)

    def check_all_read(self, size: int) -> None:
        """Raises `Refused` if the bundle holds a blob that nothing in the record led to, or a file that no log of this
        many entries has."""
        for digest in sorted(self.blobs - self._read):
            raise Refused("bundle", "digest", f"blob {digest.hex()} belongs to nothing on record")
        for name in sorted(self._log_files - set(log_files(size))):
            raise Refused("bundle", "digest", f"{LOG}/{name} is nothing that the checkpoint leads to")


def write_bundle(
    root: Path,
    *,
    policy: bytes,
    roster: bytes,
    log: Path,
    blobs: Iterable[bytes],
    read: Callable[[bytes], bytes],
) -> Bundle:
    """Writes a bundle without a certificate, whole or not at all; `certificate.issue` adds that.

    policy, roster: their encodings. log: folder of a tlog-tiles log; what its checkpoint leads to is copied.
    blobs: SHA-256 of each blob that the record names. read: gives the bytes of a blob. Raises `UsageError` if
    `root` exists.
    """
    if root.exists() or root.is_symlink():
        raise UsageError(f"{root} exists; a bundle is written to a new folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=root.parent, prefix=f".{root.name}."))
    try:
        write_atomic(draft / POLICY, policy)
        write_atomic(draft / ROSTER, roster)
        for name in log_files(Checkpoint.size_of(read_capped(log / "checkpoint", MAX_NOTE))):
            target = draft / LOG / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, read_capped(log / name, MAX_BYTES))
        for digest in sorted(set(blobs)):
            name = digest.hex()
            target = draft / BLOBS / name[:2] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, read(digest))
        draft.chmod(0o755)
        draft.rename(root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Bundle.open(root)


def not_the_folder_above(root: Path) -> None:
    """Raises `Malformed` for a folder that is no bundle of either kind, but has one in it. Raises `OSError`."""
    if not (root / POLICY).exists() and (root / "bundle").is_dir():
        inner = printable(str(root / "bundle"))
        raise Malformed(f"{printable(str(root))} holds no bundle itself; did you mean {inner}?")


def _tree(root: Path) -> list[tuple[str, int]]:
    """(path, size) of every file below `root`. Follows no link, and stops at the limits."""
    if root.is_symlink() or not root.is_dir():
        raise Malformed(f"{root}: no bundle there; expected a folder, not a link")
    found: list[tuple[str, int]] = []
    folders = [("", 0)]
    while folders:
        folder, depth = folders.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError as error:
            raise Malformed(f"bundle: {printable(folder)}: {error.strerror}") from None
        for entry in entries:
            relative = f"{folder}/{entry.name}" if folder else entry.name
            state = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(state.st_mode):
                if depth == MAX_DEPTH or not _folder_belongs(folder, entry.name):
                    raise _unexpected(relative)
                folders.append((relative, depth + 1))
            elif stat.S_ISREG(state.st_mode):
                found.append((relative, state.st_size))
            else:
                detail = "is a link or a special file; a bundle holds plain files only"
                raise Malformed(f"bundle: {printable(relative)} {detail}")
            if len(found) + len(folders) > MAX_FILES:
                raise Malformed(f"bundle: more than {MAX_FILES} files")
    return found


def _folder_belongs(parent: str, name: str) -> bool:
    if parent == "":
        return name in (LOG, BLOBS)
    return parent != BLOBS or _FOLDER.fullmatch(name) is not None


def _unexpected(relative: str) -> Refused:
    detail = f"{printable(relative)} does not belong there; a bundle holds what the record names, no more"
    return Refused("bundle", "digest", detail)


def _limit(relative: str, size: int, limit: int) -> None:
    if size > limit:
        raise Malformed(f"bundle: {printable(relative)} has {size} bytes, more than {limit}")
