from hashlib import sha256
from pathlib import Path

import model_signing.hashing
import pytest

from fedproof.errors import Malformed
from fedproof.model.digest import file_list, model_root


def library_root(path: Path) -> bytes:
    """What model-signing signs: the digest of the digests in its manifest's order."""
    manifest = model_signing.hashing.Config().hash(path)
    return sha256(b"".join(d.digest.digest_value for d in manifest.resource_descriptors())).digest()


def test_one_file_has_the_root_that_model_signing_computes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    assert model_root(path) == library_root(path)
    assert model_root(path) == sha256(sha256(b"weights").digest()).digest()
    assert file_list(path)[0].name == "."


def test_a_directory_has_the_root_that_model_signing_computes(tmp_path: Path) -> None:
    for name in ["b", "a/z", "a.b", "a-b/c", "a/y/x", "ü", "B", ".gitignore", ".git/config", "a/.gitignore"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert model_root(tmp_path) == library_root(tmp_path)
    assert ".gitignore" not in [file.name for file in file_list(tmp_path)]


def test_the_list_tells_apart_what_the_root_does_not(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one/a").write_text("x")
    (tmp_path / "two/b").write_text("x")
    assert model_root(tmp_path / "one") == model_root(tmp_path / "two")
    assert file_list(tmp_path / "one") != file_list(tmp_path / "two")


def test_links_and_special_files_are_malformed(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/a").write_text("x")
    (tmp_path / "m/link").symlink_to(tmp_path / "m/a")
    with pytest.raises(Malformed, match="no links"):
        model_root(tmp_path / "m")
    with pytest.raises(Malformed, match="not a link"):
        model_root(tmp_path / "m/link")
    with pytest.raises(Malformed, match="no model there"):
        model_root(tmp_path / "absent")
