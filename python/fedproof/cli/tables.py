"""Tables for 80 columns."""

from __future__ import annotations

from rich.table import Table


def table(*columns: str, title: str) -> Table:
    """As wide as the terminal, its title on the left."""
    return Table(*columns, title=title, title_justify="left", expand=True)
