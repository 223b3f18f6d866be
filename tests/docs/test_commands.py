"""The commands of README.md and docs/ run as they stand, page by page, in a folder that looks like a fresh clone.

    ```sh              run by `sh -e`, in the page's folder, with the environment's programs first on PATH
    ```python          run by a Python process of its own
    ```python FILE     saved as FILE, for a later block to run
    ```toml, ```json   illustrations: their own tests hold them against the code (test_reference.py)
    ```text            an illustration

Any other kind of block fails.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, Block, blocks
from tests.flower.processes import MARK, end, new_mark

ELSEWHERE = {
    "make demo": "the demo runs in tests/cli; make would build and install again",
    "make test": "it is what runs this",
}
"""Lines that are not run here, and why."""

DEMO = re.compile(r"(?:\.venv/bin/)?fedproof demo --out (fedproof-demo)")
"""Run once for all tests (the fixture `demo`), and copied to where the page wants it."""

GOES_ON = {
    "docs/how-to/run-a-federation.md": "docs/how-to/set-up-a-federation.md",
    "docs/how-to/run-flower-across-machines.md": "docs/how-to/prove-a-flower-app.md",
    "docs/how-to/resume-after-a-crash.md": "docs/how-to/run-a-federation.md",
    "docs/how-to/change-members-and-keys.md": "docs/how-to/run-a-federation.md",
    "docs/how-to/answer-with-receipts.md": "docs/how-to/train-on-certified-data.md",
    "docs/explanation/what-a-trained-head-proves.md": "docs/how-to/train-on-certified-data.md",
}
"""Pages that say they go on, in the same folder, from where another ended."""

PYTORCH = ("docs/how-to/prove-a-pytorch-model.md",)
"""Pages that tests/torch runs, where PyTorch is."""

SIMULATES = re.compile(r"^flwr run ", re.MULTILINE)
"""Pages with this use a SuperLink that the tests started, and will end."""

SMALLER = {
    "docs/how-to/train-on-image-features.md": {
        "TRAIN": "600",
        "TEST": "300",
        "FEATURES": "96",
        "LEAST": "0.6",
    }
}
"""Variables with which a page's commands take a minute; the page names them."""

DATA = {"docs/how-to/train-on-image-features.md": ("FASHION_MNIST", "/usr/share/datasets/fashion-mnist")}
"""Pages about data that is no part of this repository: the variable that says where it is, and where else it is. Skipped without."""


PAGES = new_mark()


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def command_lines(block: Block) -> list[str]:
    """The block's lines without comments at their ends, for comparison with the lists above."""
    return [re.sub(r"\s+#.*$", "", line).strip() for line in block.text.splitlines()]


class Runner:
    """Runs pages, each once, each in a folder of its own."""

    def __init__(self, folder: Path, demo: Path, simulation: Callable[[], dict[str, str]]) -> None:
        """simulation: variables for pages that simulate; called only for these."""
        self.folder = folder
        self.demo = demo
        self.simulation = simulation
        self.done: dict[str, Path] = {}

    def run(self, name: str) -> Path:
        """The folder as the page leaves it."""
        if name in self.done:
            return self.done[name]
        page = ROOT / name
        where = self.folder / name.replace("/", "-").removesuffix(".md")
        if name in GOES_ON:
            before = GOES_ON[name]
            assert f"{before.rpartition('/')[2]})" in page.read_text("utf-8"), "says from where it goes on"
            shutil.copytree(self.run(before), where, symlinks=True)
        else:
            where.mkdir()
            for part in ROOT.iterdir():
                if part.name not in {".git", "fedproof-demo"}:
                    (where / part.name).symlink_to(part)
        for block in blocks(page):
            self.block(page, block, where)
        self.done[name] = where
        return where

    def block(self, page: Path, block: Block, where: Path) -> None:
        smaller = dict(SMALLER.get(name_of(page), {}))
        if SIMULATES.search(block.text):
            smaller |= self.simulation()
        at = f"{name_of(page)}:{block.line}"
        if block.language == "python" and block.name:
            (where / block.name).write_text(block.text)
        elif block.language == "python":
            self.process(at, ["python", "-c", block.text], where, smaller)
        elif block.language == "sh":
            lines = [line for line in block.text.splitlines(keepends=True) if not self.skipped(line)]
            script = DEMO.sub(f"cp -R '{self.demo}' \\1", "".join(lines))
            self.process(at, ["sh", "-e", "-c", script], where, smaller)
        else:
            assert block.language in {"toml", "json", "text"}, (
                f"{at}: blocks are sh, python, toml, json, text"
            )

    @staticmethod
    def process(at: str, command: list[str], where: Path, variables: Mapping[str, str] = {}) -> None:
        environment = {
            **os.environ,
            **variables,
            MARK: PAGES,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        ran = subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert ran.returncode == 0, f"{at}\n{command[-1]}\n{ran.stdout}\n{ran.stderr}"

    @staticmethod
    def skipped(line: str) -> bool:
        return re.sub(r"\s+#.*$", "", line).strip() in ELSEWHERE


@pytest.fixture(scope="module")
def runner(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    demo: tuple[Path, dict[str, object]],
) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("docs")
    yield Runner(folder, demo[0], lambda: request.getfixturevalue("simulation"))
    assert end(PAGES) == [], "a page leaves processes behind"


@pytest.mark.parametrize("name", [name for name in map(name_of, DOCS) if name not in PYTORCH])
def test_the_page_runs(name: str, runner: Runner) -> None:
    if name in DATA:
        variable, usual = DATA[name]
        if not Path(os.environ.get(variable, usual)).is_dir():
            pytest.skip(f"no folder {usual}, and {variable} names none")
    assert runner.run(name).is_dir()


@pytest.mark.parametrize("step", ["announce", "receive", "close", "abort"])
def test_the_rounds_of_the_page_go_on_after_a_kill(step: str, runner: Runner, tmp_path: Path) -> None:
    where = tmp_path / "killed"
    shutil.copytree(runner.run("docs/how-to/run-a-federation.md"), where, symlinks=True)
    for state in where.glob("*-state"):
        shutil.rmtree(state)
    dying = (
        "import os, runpy, signal, sys\n"
        "from fedproof.round.aggregator import Aggregator\n"
        "step = getattr(Aggregator, sys.argv[1])\n"
        "setattr(Aggregator, sys.argv[1], lambda *a: (step(*a), os.kill(os.getpid(), signal.SIGKILL)))\n"
        "runpy.run_path('rounds.py', run_name='__main__')\n"
    )
    python = str(ROOT / ".venv/bin/python")
    for deadly in ["announce", "abort"] if step == "abort" else [step]:
        ran = subprocess.run([python, "-c", dying, deadly], cwd=where, check=False, timeout=120)
        assert ran.returncode == -signal.SIGKILL
    runner.process(step, ["python", "rounds.py"], where)
    runner.process(step, ["python", "rounds.py"], where)  # nothing is left to do


def test_what_is_left_out_is_on_some_page() -> None:
    lines = {line for page in DOCS for block in blocks(page) for line in command_lines(block)}
    assert set(ELSEWHERE) <= lines
    pages = {name_of(page): page.read_text("utf-8") for page in DOCS}
    assert set(GOES_ON) | set(GOES_ON.values()) | set(PYTORCH) <= set(pages)
    for name, variables in SMALLER.items():
        assert f"export {' '.join(f'{k}={v}' for k, v in variables.items())}" in pages[name]
    for name, (variable, usual) in DATA.items():
        assert f"${{{variable}:-{usual}}}" in pages[name]
