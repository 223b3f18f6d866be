"""What `fedproof inspect` shows of a node: its audit log, and its state folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from fedproof.cli.tables import table
from fedproof.encoding.text import counted, printable
from fedproof.encoding.time import utc_text
from fedproof.round.audit import History
from fedproof.round.place import AUDIT, peek_place

_DIGEST = 64
_SHOWN = 16
"""Of the 64 digits of a digest, in the table."""


def told_of(history: History) -> dict[str, Any]:
    """The log for `--json`: every line, its time as text, what is not the same in all lines under `details`."""
    events = [_event(line) for line in history.events]
    return {
        "lines": len(events),
        "head": history.last,
        "cut": history.cut,
        "last": events[-1] if events else None,
        "events": events,
    }


def _event(line: dict[str, Any]) -> dict[str, Any]:
    time, round = line.get("time"), line.get("round")
    rest = {k: v for k, v in line.items() if k not in {"previous", "time", "event", "round"}}
    return {
        "time": utc_text(time) if type(time) is int and 0 <= time <= 1 << 32 else printable(str(time)),
        "event": printable(str(line.get("event"))),
        "round": round if type(round) is int else None,
        "details": {
            printable(k): v if isinstance(v, int) else printable(str(v), 1000) for k, v in rest.items()
        },
    }


def node_state(folder: Path) -> dict[str, Any]:
    """A node's state folder: where its chain stands, and its log, both nothing before the node's first step. Raises `Malformed`,
    `Refused`."""
    place, log = peek_place(folder), folder / AUDIT
    standing = None
    if place is not None:
        announced = utc_text(place.time) if 0 < place.time <= 1 << 32 else None
        standing = {"round": place.round, "announced": announced, "parameters": place.parameters}
    return {"standing": standing, "log": told_of(History.load(log)) if log.exists() else None}


def show_state(console: Console, told: dict[str, Any]) -> None:
    """told: of `node_state`."""
    if (standing := told["standing"]) is not None:
        last = f", the last one announced at {standing['announced']}" if standing["announced"] else ""
        console.print(
            f"next round {standing['round']}{last}; {counted(standing['parameters'], 'parameter')}",
            markup=False,
        )
    if told["log"] is None:
        console.print("no audit log yet", markup=False)
    else:
        show_log(console, told["log"])


def show_log(console: Console, told: dict[str, Any]) -> None:
    """told: of `told_of`."""
    rows = table("time", "event", "round", "details", title="What the node was asked to do, and what it sent")
    for column, width in zip(rows.columns, (20, 8, 5), strict=False):
        column.min_width = width
    for event in told["events"]:
        details = ", ".join(_detail(name, value) for name, value in event["details"].items())
        round = "" if event["round"] is None else str(event["round"])
        style = "bold red" if event["event"] == "refused" else ""
        rows.add_row(*(Text(part, style) for part in (event["time"], event["event"], round, details)))
    console.print(rows)
    if told["cut"]:
        console.print("after them half a line, which a crash cut off; the node drops it", markup=False)
    console.print(
        f"{counted(told['lines'], 'line')}, each follows from the one before; the last one's SHA-256 is\n{told['head']}",
        markup=False,
        soft_wrap=True,
    )


def _detail(name: str, value: object) -> str:
    if isinstance(value, str) and len(value) == _DIGEST and set(value) <= set("0123456789abcdef"):
        value = f"{value[:_SHOWN]}…"
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    return f"{name} {value}" if value != "" else f"no {name}"
