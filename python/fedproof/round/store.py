"""The aggregator's state folder. What was acknowledged is on the disk before the acknowledgement leaves, and every write is whole
or absent, so that a kill at any point loses nothing and leaves nothing half done (spec/round.md §6).

    log/                 the record (fedproof.log)
    blobs/ab/abcd…       what the record names, by SHA-256
    attempt              number of the round and of the attempt at it, after one was given up
    open/announcement    the round under way, as announced
    open/NNNNNN-upload   what was received, in order; owner-readable: it holds clear updates, unless the round is masked
    open/NNNNNN-asked    of a masked round: here an exchange began
    open/NNNNNN-answer   of a masked round: what a client answered in it
    open/nodes.cbor      in a Flower app: which node is which client
    open/abcd…-blob      what the record will name once the round is closed, by SHA-256; owner-readable until then
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Literal, get_args

from fedproof.encoding.digest import sha256
from fedproof.encoding.files import make_folder, read_capped, sync_folder, write_atomic
from fedproof.errors import Refused
from fedproof.identity.signed import Signed

OPEN, ANNOUNCEMENT = "open", "announcement"
"""Folder of the round under way, and its first file."""

_MAX_BLOB = 1 << 32
Kind = Literal["upload", "asked", "answer"]


class Waiting(MutableMapping[bytes, bytes]):
    """Blobs of the round under way, by SHA-256: files, one at a time in memory, that go when the round is over. Another process makes
    them again from the uploads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[bytes, None] = {}
        for path in folder.glob("*-blob"):
            path.unlink()

    def _path(self, name: bytes) -> Path:
        if name not in self._names:
            raise KeyError(name)
        return self._folder / f"{name.hex()}-blob"

    def __setitem__(self, name: bytes, data: bytes) -> None:
        self._names[name] = None
        write_atomic(self._path(name), data, mode=0o600)

    def __getitem__(self, name: bytes) -> bytes:
        return _read(self._path(name), name)

    def __delitem__(self, name: bytes) -> None:
        self._path(name).unlink()
        del self._names[name]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Uploads(Mapping[bytes, bytes]):
    """Those that `Store.put` keeps of the round under way, by SHA-256: one at a time in memory."""

    def __init__(self) -> None:
        self._paths: dict[bytes, Path] = {}

    def add(self, path: Path, data: bytes) -> None:
        """data: what is in the file."""
        self._paths[sha256(data)] = path

    def __getitem__(self, name: bytes) -> bytes:
        return _read(self._paths[name], name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _read(path: Path, name: bytes) -> bytes:
    data = read_capped(path, _MAX_BLOB)
    if sha256(data) != name:
        raise Refused("state folder", "digest", f"blob {name.hex()} was changed")
    return data


class Store:
    """root: the folder, made if it is not there, for its owner alone. open_folder: that of the round under way. uploads: of that round, as
    `put` or `happened` came by them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open_folder = root / OPEN
        self.uploads = Uploads()
        for folder in (root / "blobs", self.open_folder):
            make_folder(folder)

    def clean(self) -> None:
        """Removes what torn writes left. Only for the one who holds the log's lock: another may be writing."""
        for folder in (self.root, self.open_folder, self.root / "blobs"):
            for leftover in folder.rglob("*.tmp") if folder.name == "blobs" else folder.glob("*.tmp"):
                leftover.unlink()

    @property
    def log(self) -> Path:
        """Folder of the record."""
        return self.root / "log"

    # -- blobs ---------------------------------------------------------------------------------------------

    def _blob(self, name: bytes) -> Path:
        return self.root / "blobs" / name.hex()[:2] / name.hex()

    def put_all(self, blobs: Mapping[bytes, bytes]) -> None:
        """Keeps blobs under their SHA-256. Before the entry that names them is appended."""
        for name, data in blobs.items():
            path = self._blob(name)
            make_folder(path.parent)
            if path.exists():
                sync_folder(path.parent)  # an earlier write may have been killed before it came to that
            else:
                write_atomic(path, data)

    def blob(self, name: bytes) -> bytes:
        """Raises `Refused` (stage "digest") if the file is not what its name says."""
        return _read(self._blob(name), name)

    # -- the round under way -------------------------------------------------------------------------------

    def open_round(self, announcement: Signed) -> None:
        """Before the announcement is sent. Without it there is no round under way."""
        write_atomic(self.open_folder / ANNOUNCEMENT, announcement.to_bytes())

    def opened_round(self) -> Signed | None:
        """The announcement under way, if there is one."""
        path = self.open_folder / ANNOUNCEMENT
        return Signed.from_bytes(read_capped(path, _MAX_BLOB)) if path.exists() else None

    def put(self, number: int, kind: Kind, data: bytes) -> None:
        """What happened in the round under way, before anybody is told of it."""
        path = self.open_folder / f"{number:06}-{kind}"
        write_atomic(path, data, mode=0o600)
        if kind == "upload":
            self.uploads.add(path, data)

    def happened(self) -> Iterator[tuple[Kind, bytes]]:
        """In the round under way, in order."""
        kinds: tuple[Kind, ...] = get_args(Kind)
        paths = [(path, k) for k in kinds for path in self.open_folder.glob(f"*-{k}")]
        for path, kind in sorted(paths, key=lambda each: int(each[0].name.split("-")[0])):
            data = read_capped(path, _MAX_BLOB)
            if kind == "upload":
                self.uploads.add(path, data)
            yield kind, data

    def waiting(self) -> Waiting:
        """For what goes on record when the round under way ends. Empty."""
        return Waiting(self.open_folder)

    def clear_round(self) -> None:
        """After the entry was appended: the clear updates are gone. The announcement goes first."""
        (self.open_folder / ANNOUNCEMENT).unlink(missing_ok=True)
        sync_folder(self.open_folder)
        for path in self.open_folder.iterdir():
            path.unlink()
        self.uploads = Uploads()

    def attempt(self, round: int) -> int:
        """Which attempt at this round is next or under way."""
        path = self.root / "attempt"
        if not path.exists():
            return 0
        at, attempt = read_capped(path, 64).split()
        return int(attempt) if int(at) == round else 0

    def set_attempt(self, round: int, attempt: int) -> None:
        """Before the round that it replaces is cleared."""
        write_atomic(self.root / "attempt", f"{round} {attempt}".encode())
