"""Every public module, class, function and method says what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fedproof

PACKAGE = Path(fedproof.__file__).parent


def undocumented(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    if ast.get_docstring(tree) is None:
        yield "the module"
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        inner = node.body if isinstance(node, ast.ClassDef) else []
        for part in (node, *inner):
            if (
                isinstance(part, ast.FunctionDef | ast.ClassDef)
                and not part.name.startswith("_")
                and ast.get_docstring(part) is None
            ):
                yield f"{node.name}.{part.name}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_names_are_documented(path: Path) -> None:
    assert list(undocumented(path)) == []
