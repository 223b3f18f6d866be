import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.provenance import bundle as module
from fedproof.provenance.bundle import Bundle, write_bundle

CHECKPOINT = b"tests\n2\nroot\n"
CONTENT = {sha256(text).digest(): text for text in (b"one", b"two")}
ONE, TWO = CONTENT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    log = tmp_path / "log"
    (log / "tile/0/000.p").mkdir(parents=True)
    (log / "tile/entries/000.p").mkdir(parents=True)
    (log / "checkpoint").write_bytes(CHECKPOINT)
    for width in "12":  # the log had one entry once
        (log / "tile/0/000.p" / width).write_bytes(b"tile")
        (log / "tile/entries/000.p" / width).write_bytes(b"entries")
    path = tmp_path / "bundle"
    write_bundle(path, policy=b"policy", roster=b"roster", log=log, blobs=CONTENT, read=CONTENT.__getitem__)
    return path


def test_what_was_written_is_read_back(root: Path) -> None:
    bundle = Bundle.open(root)
    assert (bundle.policy(), bundle.roster()) == (b"policy", b"roster")
    assert bundle.blobs == {ONE, TWO}
    assert bundle.blob(ONE, "total") == b"one"
    assert (bundle.log / "checkpoint").read_bytes() == CHECKPOINT
    found = {str(path.relative_to(bundle.log)) for path in bundle.log.rglob("*") if path.is_file()}
    assert found == {"checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"}


@pytest.mark.parametrize(
    "note", [b"", b"tests", b"tests\n01\n", b"tests\n-1\n", b"tests\n" + b"9" * 5000 + b"\n"]
)
def test_a_log_without_a_checkpoint_makes_no_bundle(tmp_path: Path, note: bytes) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log/checkpoint").write_bytes(note)
    with pytest.raises(Malformed, match="not a checkpoint"):
        write_bundle(tmp_path / "b", policy=b"", roster=b"", log=tmp_path / "log", blobs=[], read=bytes)


@pytest.mark.parametrize("path", [Path("x" * 5000), Path("/" + "/".join(["x" * 200] * 30))])
def test_a_path_that_is_too_long(path: Path) -> None:
    with pytest.raises(Malformed, match="bundle"):
        Bundle.open(path)


def test_a_file_of_the_log_that_the_checkpoint_does_not_reach(root: Path) -> None:
    """Names that a log may have, and this one has not."""
    for name in ("tile/0/000.p/1", "tile/entries/001.p/7", "tile/1/000.p/1", "witness"):
        extra = root / "log" / name
        extra.parent.mkdir(parents=True, exist_ok=True)
        extra.write_bytes(b"what I always wanted to say")
        bundle = Bundle.open(root)
        for blob in CONTENT:
            bundle.blob(blob, "total")
        with pytest.raises(Refused, match="nothing that the checkpoint leads to") as refused:
            bundle.check_all_read(2)
        assert (refused.value.subject, refused.value.stage) == ("bundle", "digest")
        extra.unlink()
        bundle = Bundle.open(root)
        for blob in CONTENT:
            bundle.blob(blob, "total")
        bundle.check_all_read(2)


def test_an_existing_folder_is_never_written_to(root: Path) -> None:
    with pytest.raises(UsageError, match="exists"):
        write_bundle(root, policy=b"", roster=b"", log=root, blobs=[], read=CONTENT.__getitem__)


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log/checkpoint").write_bytes(b"tests\n0\n")
    with pytest.raises(KeyError):
        write_bundle(
            tmp_path / "b",
            policy=b"",
            roster=b"",
            log=tmp_path / "log",
            blobs=[bytes(32)],
            read=CONTENT.__getitem__,
        )
    assert sorted(os.listdir(tmp_path)) == ["log"]


def test_a_missing_blob_is_refused(root: Path) -> None:
    (root / "blobs" / ONE.hex()[:2] / ONE.hex()).unlink()
    with pytest.raises(Refused, match="not in the bundle") as refused:
        Bundle.open(root).blob(ONE, "total", round=3)
    assert (refused.value.subject, refused.value.stage, refused.value.round) == ("total", "digest", 3)


def test_an_altered_blob_is_refused(root: Path) -> None:
    (root / "blobs" / ONE.hex()[:2] / ONE.hex()).write_bytes(b"onE")
    with pytest.raises(Refused, match="other bytes") as refused:
        Bundle.open(root).blob(ONE, "total")
    assert refused.value.stage == "digest"


def test_a_blob_that_belongs_to_nothing_is_refused(root: Path) -> None:
    bundle = Bundle.open(root)
    bundle.blob(ONE, "total")
    with pytest.raises(Refused, match="belongs to nothing"):
        bundle.check_all_read(2)
    bundle.blob(TWO, "total")
    bundle.check_all_read(2)


def test_a_blob_beyond_its_limit_is_malformed(root: Path) -> None:
    with pytest.raises(Malformed):
        Bundle.open(root).blob(ONE, "total", limit=2)


@pytest.mark.parametrize("name", ["policy.cbor", "roster.cbor"])
def test_a_missing_file_is_malformed_by_name(root: Path, name: str) -> None:
    (root / name).unlink()
    with pytest.raises(Malformed, match=name):
        Bundle.open(root)


def test_a_missing_certificate_is_malformed(root: Path) -> None:
    with pytest.raises(Malformed):
        Bundle.open(root).certificate()


def add(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    return change


def link(name: str, target: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        if path.is_file():
            path.unlink()
        path.symlink_to(target)

    return change


@pytest.mark.parametrize(
    "change",
    [
        add("trust.toml"),
        add("policy.toml"),
        add("\x1b[2J VERIFIED"),
        add("blobs/readme"),
        add("blobs/ab/short"),
        add("blobs/00/" + "ab" * 32),
        add("blobs/ab/" + "AB" * 32),
        add("blobs/ab/cd/" + "ab" * 32),
        add("log/.hidden"),
        add("log/a/b c"),
        add("more/file"),
        lambda root: (root / "empty").mkdir(),
        lambda root: (root / "blobs/xyz").mkdir(),
        add(".DS_Store"),
        add("log/" + "/".join("a" * 20)),
        lambda root: (root / os.fsdecode(b"\xff")).write_bytes(b""),
    ],
)
def test_what_does_not_belong_there_is_refused(root: Path, change: Callable[[Path], None]) -> None:
    change(root)
    with pytest.raises(Refused, match="does not belong there") as error:
        Bundle.open(root)
    assert (error.value.subject, error.value.stage) == ("bundle", "digest")
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        link("policy.cbor", "/etc/passwd"),
        link("log/more", "/etc"),
        link("blobs/ff", "/etc"),
        lambda root: os.mkfifo(root / "log/pipe"),
    ],
)
def test_what_is_no_plain_file_is_malformed(root: Path, change: Callable[[Path], None]) -> None:
    change(root)
    with pytest.raises(Malformed) as error:
        Bundle.open(root)
    assert "\x1b" not in str(error.value)


def test_a_bundle_that_is_a_link_or_absent_is_malformed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(root)
    for path in (tmp_path / "other", tmp_path / "absent", root / "policy.cbor"):
        with pytest.raises(Malformed, match="no bundle there"):
            Bundle.open(path)


def test_too_many_files_are_malformed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    with pytest.raises(Malformed, match="more than 3 files"):
        Bundle.open(root)


def test_a_blob_too_large_is_malformed_before_it_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BLOB", 2)
    with pytest.raises(Malformed, match="3 bytes, more than 2"):
        Bundle.open(root)
