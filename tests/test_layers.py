"""The layers of the package: each imports only what stands before it.

A layer is a package or module directly under `fedproof`. The order below is the architecture; a new layer is
added here, in its place, or these tests fail.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fedproof

LAYERS = (
    "errors",
    "encoding",
    "identity",
    "policy",
    "proofs",
    "model",
    "log",
    "data",
    "training",
    "round",
    "provenance",
    "doctor",
    "flower",
    "templates",
    "torch",
    "demo",
    "cli",
)
ENGINE_USER = "proofs"  # the only layer that touches the extension
HEAVY = ("sklearn", "scipy", "torch", "flwr", "matplotlib", "pandas", "pyarrow", "sqlalchemy")

PACKAGE = Path(fedproof.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path, package: Path = PACKAGE) -> str:
    parts = ["fedproof", *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, *, is_package: bool) -> set[str]:
    """The full names of everything that `source` imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = module.split(".") if is_package else module.split(".")[:-1]
                base = ".".join([*here[: len(here) - node.level + 1], *([base] if base else [])])
            # `from fedproof import round` names a layer, `from fedproof.round import x` already has
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def violations(source: str, module: str, *, is_package: bool) -> list[str]:
    """What a module imports although it doesn't stand before it."""
    parts = module.split(".")
    layer = parts[1] if len(parts) > 1 else "errors"  # the package itself may use the errors, nothing else
    if layer == "__main__":
        layer = "cli"  # `python -m fedproof`
    if layer not in LAYERS:
        return [f"{module}: {layer} is no layer"]
    wrong = []
    for name in sorted(imports(source, module, is_package=is_package)):
        target = name.split(".")
        if target[0] != "fedproof" or len(target) < 2:
            continue
        if target[1] == "_core":
            if layer != ENGINE_USER:
                wrong.append(f"{module} imports {name}: only fedproof.{ENGINE_USER} uses the extension")
        elif target[1] in LAYERS and LAYERS.index(target[1]) > LAYERS.index(layer):
            wrong.append(f"{module} imports {name}: {target[1]} stands after {layer}")
        elif target[1] not in LAYERS and (PACKAGE / target[1]).exists():
            wrong.append(f"{module} imports {name}: {target[1]} is no layer")
    return wrong


def test_every_layer_is_there_and_nothing_else() -> None:
    here = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert here == {*LAYERS, "__init__", "__main__"}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_module_imports_only_what_stands_before_it(path: Path) -> None:
    found = violations(path.read_text("utf-8"), module_name(path), is_package=path.name == "__init__.py")
    assert found == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("fedproof.encoding.cbor", "from fedproof.round import messages"),
        ("fedproof.encoding.cbor", "from fedproof import round"),
        ("fedproof.encoding.cbor", "import fedproof.cli.main"),
        ("fedproof.encoding.cbor", "from ..round.messages import Ready"),
        ("fedproof.provenance.verify", "def late():\n    from fedproof.demo import data"),
        ("fedproof.round.client", "from fedproof._core import ProofError"),
        ("fedproof", "from fedproof.round import client"),
        ("fedproof.elsewhere", ""),
    ],
)
def test_an_import_against_the_order_is_found(module: str, source: str) -> None:
    assert len(violations(source, module, is_package=False)) == 1


ENGINE = Path(__file__).resolve().parents[1] / "rust" / "core" / "src"
_LISTED = re.search(r"holds that\):\n(.*?)\n\n", (ENGINE / "lib.rs").read_text("utf-8"), re.DOTALL)
ENGINE_LAYERS = [set(re.findall(r"`(\w+)`", layer)) for layer in _LISTED[1].split(";")] if _LISTED else []
"""Of the proof core, as its first page has them: a module uses its own layer and those before it."""


def used(source: str) -> set[str]:
    """Modules of the crate that Rust source names; those of its tests do not count."""
    code = re.split(r"#\[cfg\(test\)\]\s*mod ", source)[0]
    found = set(re.findall(r"\bcrate::([a-z]\w*)", code))
    for group in re.findall(r"\bcrate::\{([^;]*)\};", code):
        found.update(re.findall(r"(?:^|,)\s*([a-z]\w*)", group))
    return found


def engine_layer(module: str) -> int:
    return next(at for at, modules in enumerate(ENGINE_LAYERS) if module in modules)


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.rs")), ids=lambda p: str(p.relative_to(ENGINE)))
def test_the_engine_uses_only_what_stands_before(path: Path) -> None:
    module = path.relative_to(ENGINE).parts[0].removesuffix(".rs")
    if module != "lib":
        late = [name for name in used(path.read_text("utf-8")) if engine_layer(name) > engine_layer(module)]
        assert late == []


def test_every_module_of_the_engine_has_its_layer() -> None:
    modules = {path.relative_to(ENGINE).parts[0].removesuffix(".rs") for path in ENGINE.rglob("*.rs")}
    assert sorted(name for layer in ENGINE_LAYERS for name in layer) == sorted(modules - {"lib"})


def test_what_the_engine_uses_is_found() -> None:
    told = (
        "use crate::error::{Error, Result};\nlet x = crate::relation::Shape;\nuse crate::{poly::dot, msm};\n"
    )
    assert used(told + "#[cfg(test)]\nmod tests {\n    use crate::range;\n}") == {
        "error",
        "relation",
        "poly",
        "msm",
    }


def test_everything_but_demo_flower_and_torch_works_without_the_heavy_libraries() -> None:
    """The wheel without extras is enough to verify: importing it loads no training or plotting library."""
    extras = ("fedproof.demo", "fedproof.flower", "fedproof.torch")
    names = [n for n in map(module_name, MODULES) if not n.startswith(extras)]
    # The authority's register is a database; only `certify` and `revoke` open it. An estimator is scikit-learn's.
    names = [n for n in names if not n.endswith(("__main__", "data.register", "training.estimator"))]
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_verify_loads_no_heavy_library() -> None:
    """Neither does the command itself, through all that it imports on its way."""
    script = (
        "import sys\nfrom fedproof.cli import main\n"
        "try: main()\n"
        f"except SystemExit as end: print(end.code, *sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    kept = Path(__file__).resolve().parents[1] / "vectors" / "v1" / "bundle"
    public = [f"--{n}={kept / f}" for n, f in (("policy", "policy.toml"), ("trust", "trust.toml"))]
    command = [sys.executable, "-c", script, "verify", str(kept / "bundle"), *public]
    done = subprocess.run(
        [*command, f"--model={kept / 'model.safetensors'}"], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "0"


def test_importing_the_package_is_quick() -> None:
    """It imports its errors alone, and nothing that is not Python's own."""
    script = "import sys; old = set(sys.modules); import fedproof; print(*(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    new = set(done.stdout.split())
    assert {name for name in new if name.startswith("fedproof")} == {"fedproof", "fedproof.errors"}
    assert {name.split(".")[0] for name in new} - {"fedproof"} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    "path", sorted((PACKAGE.parents[1] / "reference").rglob("*.py")), ids=lambda p: p.name
)
def test_the_second_verifier_is_a_second_one(path: Path) -> None:
    """It shares no line with the package, nor with anything that is not Python's own."""
    names = imports(path.read_text("utf-8"), "reference.module", is_package=False)
    roots = {name.split(".")[0] for name in names}
    assert roots <= {"reference", *sys.stdlib_module_names}
