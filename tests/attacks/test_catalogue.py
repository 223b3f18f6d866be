"""The table of `attacks/README.md`: every item of the catalogue has tests, and everything that the table names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "attacks" / "README.md").read_text()
HERE = Path(__file__).parent

ITEMS = {
    "Bytes": {
        "every byte flipped",
        "truncation",
        "extension",
        "huge lengths",
        "non-canonical scalars",
        "off-curve points",
        "identity points",
    },
    "Statements": {
        "every public field changed",
        "replayed to another round",
        "replayed to another client",
        "replayed to another policy",
        "replayed to another model",
        "replayed to another curve",
        "wrong degree",
        "zero variables",
        "prover-chosen bound",
    },
    "Values": {
        "B + 1",
        "−B − 1",
        "r − 1",
        "norm bound + 1",
        "padding not zero",
        "component on a foreign generator",
        "forged multiplicities",
        "challenge equal to a table value",
    },
    "Transcript": {
        "value used before it is absorbed",
        "last message solved after the last challenge",
        "prover and verifier out of step",
    },
    "Aggregation": {
        "dropped update",
        "duplicated update",
        "inserted update",
        "replaced update",
        "copied update",
        "rogue commitment",
        "equivocation to two clients",
        "equivocation of the set",
        "equivocation of the model",
        "result off by one",
        "overflowing sum",
        "stale roster",
        "same update over two sets",
        "another step than the policy's strategy",
        "a tensor changed that is not trained",
    },
    "Masks": {
        "different sets shown to different clients",
        "a set below the threshold",
        "a set of other uploads",
        "server that asks for both kinds",
        "two updates under one mask",
        "two sums from one base model",
        "the same updates over another set, also after a stop",
        "a client's folder set back, so that it answers again",
        "reading more than the sum out of all that was said",
        "copied mask key",
        "bad shares",
        "bad opening of a mask",
        "upload inconsistent with the commitment; wrong blinds",
        "another mask than the pair's; a lie that two tell alike",
        "mass shifted between colluders",
        "framing of an honest client",
        "masks opened without a reason",
        "silence after the sum failed",
        "sharing or ciphertext changed by the aggregator",
        "good sharing called bad",
        "dropout at every step",
    },
    "Certificates": {
        "policy from the bundle",
        "Sybil roster",
        "claims without coverage",
        "a run chosen among many",
    },
    "Trained heads": {
        "random weights",
        "back door in the weights",
        "record omitted",
        "label flipped",
        "features changed",
        "table swapped in the program that trains",
        "residual just above the bound",
        "weights out of range",
        "revoked record hidden",
        "another subset than the stated one",
        "record counted twice",
        "foreign authority",
        "certificate revoked or over",
        "new revocation list withheld",
        "policy, trainer or key of its own",
        "proof of another training",
        "another head under an honest certificate",
        "any file of the bundle",
        "more correct test records than there are",
        "test labels that the head would like",
        "a tie counts as right",
        "a hard test record left out, an easy one there twice",
        "test records that were trained on",
        "another test set than the registered one",
        "accuracy of another head",
        "accuracy withheld",
        "newer revocation list that lacks what an older one had",
        "receipt for another answer",
        "receipt for another input",
        "receipt of another head",
    },
    "Flower": {
        "a node whose answer is no good",
        "a node with another's key, or of another federation",
        "a model in the server's message",
        "a node's folder chosen by the server",
        "training in clear, asked for as a dry run",
        "a strategy whose sums nobody can recompute",
    },
    "Batch": {"two bad proofs that cancel"},
}
"""What the protocol was designed against, as far as this version reaches."""

CONTROLS = {"test_values_at_the_bounds_are_accepted", "test_the_sum_of_all_is_accepted"}
"""Not attacks: that what the attacks change is accepted unchanged."""


def rows() -> dict[tuple[str, str], tuple[str, str, str]]:
    """(section, attack): cells with tests, script, and who refuses."""
    found, section = {}, ""
    for line in TABLE.splitlines():
        if line.startswith("### "):
            section = line.removeprefix("### ")
        elif line.startswith("| ") and not line.startswith("| attack |"):
            attack, tests, script, refused = (cell.strip() for cell in line.strip("|").split("|"))
            assert (section, attack) not in found
            found[section, attack] = tests, script, refused
    return found


ROWS = rows()


@cache
def names_in(path: Path) -> frozenset[str]:
    """Names of the tests in a file."""
    text = path.read_text()
    if path.suffix == ".rs":
        return frozenset(re.findall(r"^\s*(?:pub )?fn (\w+)[(<]", text, re.MULTILINE))
    return frozenset(n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))


def named() -> list[tuple[str, str]]:
    """(file, test), as the table writes them."""
    return [pair for tests, _, _ in ROWS.values() for pair in re.findall(r"`([\w./]+)::(\w+)`", tests)]


def test_every_item_is_in_its_section() -> None:
    assert set(ROWS) == {(section, item) for section, items in ITEMS.items() for item in items}


@pytest.mark.parametrize(("section", "item"), list(ROWS), ids=lambda cell: cell.replace(" ", "-"))
def test_every_item_has_tests_and_somebody_who_refuses(section: str, item: str) -> None:
    tests, _, refused = ROWS[section, item]
    assert re.fullmatch(r"`[\w./]+::\w+`(, `[\w./]+::\w+`)*", tests)
    assert refused
    for file, name in re.findall(r"`([\w./]+)::(\w+)`", tests):
        folder = ROOT / "rust" / "core" / "tests" if file.endswith(".rs") else ROOT / "tests"
        assert name in names_in(folder / file), f"{file} has no test {name}"


def test_every_test_of_an_attack_is_in_the_table() -> None:
    listed = {name for file, name in named() if file.startswith("attacks/")}
    mine = {"test_catalogue.py", "test_attacks.py"}
    there = {
        name
        for path in HERE.glob("test_*.py")
        if path.name not in mine
        for name in names_in(path)
        if name.startswith("test_")
    }
    assert there - listed == CONTROLS


def test_every_script_is_in_the_table_once() -> None:
    listed = [script for _, scripts, _ in ROWS.values() for script in re.findall(r"`(\w+\.py)`", scripts)]
    there = [p.name for p in (ROOT / "attacks").glob("*.py") if not p.name.startswith("_")]
    assert sorted(listed) == sorted(there)
