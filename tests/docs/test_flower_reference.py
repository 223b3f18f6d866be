"""The page on Flower holds what the code has: signatures, fields, metrics, configuration keys, what the log and errors say.
And the two lines of the how-to are two lines."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import subprocess
from pathlib import Path

import pytest
from flwr.serverapp.strategy import FedAvg, Strategy

import fedproof.flower
from fedproof.flower import Proved, mod, strategy
from fedproof.flower.summary import RoundSummary
from fedproof.flower.wire import Step
from tests.docs.pages import ROOT, blocks
from tests.flower.test_masked import FOUR
from tests.flower.world import World, initial

PAGE = (ROOT / "docs/reference/flower.md").read_text("utf-8")
HOW_TO = ROOT / "docs/how-to/prove-a-flower-app.md"


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def named(text: str, column: int = 1) -> set[str]:
    """What stands in backticks in this column of the tables."""
    rows = [line.split("|") for line in text.splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[column])}


def arguments(function: object) -> list[tuple[str, object]]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return [(p.name, p.default) for p in parameters if p.name != "self"]


def test_signatures() -> None:
    shown = {
        name.partition("(")[0]: name.partition("(")[2].removesuffix(")")
        for name in named(section("In the app"))
        if "(" in name and name.startswith("Proved")
    }
    for name, function in (("Proved", Proved.__init__), ("Proved.start", Proved.start)):
        written = [n if d is inspect.Parameter.empty else f"{n}={d!r}" for n, d in arguments(function)]
        assert shown[name].replace("*, ", "") == ", ".join(written)
    assert arguments(Proved.start) == arguments(Strategy.start)
    assert set(fedproof.flower.__all__) <= {n.split("(")[0] for n in named(section("In the app"))}


def test_fields_of_a_summary() -> None:
    assert {f.name for f in dataclasses.fields(RoundSummary)} <= named(section("In the app"))


def test_configuration_keys() -> None:
    assert {mod.CONFIG, mod.COUNTER, strategy.DRY_RUN, strategy.DRY_POLICY} == named(
        section("Configuration"), 2
    )


def test_steps() -> None:
    assert set(Step.__args__) == named(section("Messages"))  # type: ignore[attr-defined]


def test_metrics(tmp_path: Path) -> None:
    world = World.make(tmp_path, nodes=4, policy=FOUR)  # a masked round measures all that another one does
    result = Proved(FedAvg(), world.context()).start(world.grid(), initial(), num_rounds=2)
    ours = {name for name in result.train_metrics_clientapp[2] if name.startswith("fedproof-")}
    assert ours == {name for name in named(section("Metrics")) if name.startswith("fedproof-")}


def texts() -> str:
    """All strings of the package, one a line; of those with values in them, the parts between."""
    found: list[str] = []
    for path in Path(fedproof.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += re.split(r"%[sd]|%\.\d+[fg]", node.value)
    return "\n".join(found)


@pytest.mark.parametrize("title", ["What the log says", "What stops a run"])
def test_lines_are_those_of_the_code(title: str) -> None:
    """Of each line the longest part that holds no value."""
    told = texts()
    rows = [line.split("|")[1] for line in section(title).splitlines() if line.startswith("| `")]
    assert len(rows) > 8
    for line in (name for row in rows for name in re.findall(r"`([^`]+)`", row)):
        parts = re.split(
            r"[\d…:()]+|node-4|FedAdam|FedAvg|Krum|bounded update|initial_arrays|'fedproof'|rounds on|the policy's base",
            line,
        )
        assert max((part.strip(" ,.") for part in parts), key=len) in told, line


def test_two_lines_change() -> None:
    """The how-to's diff: of each file one line is changed, and one import added."""
    (diff,) = [b.text for b in blocks(HOW_TO) if b.language == "sh" and b.text.startswith("patch")]
    body = [line for line in diff.splitlines()[1:-1] if not line.startswith(("---", "+++"))]
    added, removed = ([line[1:].strip() for line in body if line.startswith(sign)] for sign in "+-")
    assert removed == ["strategy = FedAvg()", "app = ClientApp()"]
    assert added == [
        "from fedproof.flower import Proved",
        "strategy = Proved(FedAvg(), context)",
        "from fedproof.flower import proof_mod",
        "app = ClientApp(mods=[proof_mod])",
    ]


def test_the_diff_applies_to_the_pages_app(tmp_path: Path) -> None:
    (tmp_path / "app" / "quick").mkdir(parents=True)
    for block in blocks(HOW_TO):
        if block.language == "python" and block.name:
            (tmp_path / block.name).write_text(block.text)
        elif block.text.startswith("patch"):
            subprocess.run(["sh", "-e", "-c", block.text], cwd=tmp_path, check=True, capture_output=True)
    for name in ("server_app", "client_app"):
        code = (tmp_path / "app" / "quick" / f"{name}.py").read_text()
        assert code.count("fedproof") == 1
        compile(code, name, "exec")
