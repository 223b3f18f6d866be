"""Markdown pages: their fenced blocks and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FOREIGN = {"target", "node_modules", "out"}


def all_pages() -> list[Path]:
    """Every markdown page of the repository."""
    found = ROOT.rglob("*.md")
    return sorted(
        path
        for path in found
        if not any(p.startswith(".") or p in FOREIGN for p in path.relative_to(ROOT).parts)
    )


@dataclass(frozen=True)
class Block:
    """A fenced block. language: first word after the fence; name: the others. line: of the fence, from 1."""

    line: int
    language: str
    name: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The page's fenced blocks, in order."""
    opened: tuple[int, str] | None = None
    body: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if not line.startswith("```"):
            body.append(line)
        elif opened is None:
            opened, body = (number, line[3:].strip()), []
        else:
            language, _, name = opened[1].partition(" ")
            yield Block(opened[0], language, name, "\n".join(body) + "\n")
            opened = None
    assert opened is None, f"{page}: the block of line {opened} has no end"


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """Targets of the page's links and pictures."""
    return re.findall(r"\]\(([^()\s]+)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """What can stand behind # in a link to the page: its headings, as GitHub writes them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}
