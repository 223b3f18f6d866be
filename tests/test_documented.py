"""Every public module, class, function and method says what it is: of package, engine, second verifier and scripts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fedproof
from fedproof import _core
from tests.test_layers import LAYERS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(fedproof.__file__).parent
SOURCES = sorted(
    path for folder in (PACKAGE, ROOT / "reference", ROOT / "scripts") for path in folder.rglob("*.py")
)
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Whatever stands in a module under a public name without a docstring: also inside classes of classes, and under an `if`."""
    if ast.get_docstring(tree) is None:
        yield "the module"
    yield from _inner(tree, "")


def _inner(node: ast.AST, at: str) -> Iterator[str]:
    for part in ast.iter_child_nodes(node):
        if isinstance(part, FUNCTIONS | ast.ClassDef):
            if part.name.startswith("_"):
                continue
            if ast.get_docstring(part) is None:
                yield at + part.name
        if isinstance(part, ast.ClassDef):
            yield from _inner(part, f"{at}{part.name}.")
        elif isinstance(part, ast.If | ast.Try):
            yield from _inner(part, at)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(p.parents[2])))
def test_public_names_are_documented(path: Path) -> None:
    assert list(undocumented(ast.parse(path.read_text("utf-8")))) == []


def test_every_layer_is_looked_at() -> None:
    seen = {
        path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in SOURCES if PACKAGE in path.parents
    }
    assert set(LAYERS) <= seen


def test_the_engine_is_documented() -> None:
    public = [name for name in dir(_core) if not name.startswith("_")]
    assert len(public) > 10
    assert [name for name in public if not getattr(_core, name).__doc__] == []


def test_what_is_not_documented_is_found() -> None:
    source = """
class A:
    "yes"
    class B:
        async def f(self): ...
    def _g(self): ...
if True:
    def h(): ...
def i():
    "yes"
    def inner(): ...
"""
    assert list(undocumented(ast.parse(source))) == ["the module", "A.B", "A.B.f", "h"]
