"""Every relative link in every page leads somewhere, and every page of docs/ is reached from its index."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages, anchors, links, prose

KEPT = {
    "attacks",
    "docs",
    "examples",
    "python",
    "reference",
    "requirements",
    "rust",
    "scripts",
    "spec",
    "tests",
    "vectors",
}


def broken(page: Path, root: Path = ROOT) -> list[str]:
    found = []
    for link in links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if (
            not target.exists()
            or not target.is_relative_to(root)
            or (anchor and (target.suffix != ".md" or anchor not in anchors(target)))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize("page", all_pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A head\n[x](missing.md) [y](#no-head) [z](#a-head)\n```sh\n[a](in-a-block.md)\n```\n")
    assert broken(page, tmp_path) == ["missing.md", "#no-head"]


@pytest.mark.parametrize("page", all_pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page: Path) -> None:
    """What stands between backticks and begins with one of our folders."""
    folders = "|".join(sorted(p.name for p in ROOT.iterdir() if p.is_dir() and p.name in KEPT))
    named = re.findall(rf"`((?:{folders})/[\w./-]+)`", prose(page))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_index_reaches_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert set((ROOT / "docs").rglob("*.md")) - {index} <= reached
