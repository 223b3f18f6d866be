from hashlib import sha256
from pathlib import Path

import model_signing.hashing

from fedproof.model.digest import FileDigest, root_of


def library_root(path: Path) -> bytes:
    """What model-signing signs: the digest of the digests in its manifest's order."""
    manifest = model_signing.hashing.Config().hash(path)
    return sha256(b"".join(d.digest.digest_value for d in manifest.resource_descriptors())).digest()


def test_one_file_has_the_root_that_model_signing_computes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    root = root_of((FileDigest(".", sha256(b"weights").digest()),))
    assert root == library_root(path)
    assert root == sha256(sha256(b"weights").digest()).digest()


def test_the_list_tells_apart_what_the_root_does_not() -> None:
    digest = sha256(b"x").digest()
    one, two = (FileDigest("a", digest),), (FileDigest("b", digest),)
    assert root_of(one) == root_of(two)
    assert one != two
