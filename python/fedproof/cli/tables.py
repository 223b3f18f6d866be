"""What both kinds of verification show, for 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def table(*columns: str, title: str) -> Table:
    """As wide as the terminal, its title on the left."""
    return Table(*columns, title=title, title_justify="left", expand=True)


def show_not_proven(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """(code, meaning) of everything that is not proved."""
    missing = table("not proved", "meaning", title="What this does not show")
    for code, meaning in rows:
        missing.add_row(Text(code, "yellow"), Text(meaning))
    console.print(missing)


def show_verified(console: Console, told: dict[str, Any], *more: str) -> None:
    """What was verified and against which policy, then `more` lines, then the word. told: a report for machines."""
    for line in (
        "model   by its OpenSSF model-signing root",
        f"        {told['model']}",
        f"policy  from the {told['policySource']}",
        f"        {told['policy']}",
        f"suite   {told['suite']}, {told['bits']} bits",
        *more,
    ):
        console.print(line, soft_wrap=True, markup=False)
    console.print(Text("VERIFIED", "bold green"))
