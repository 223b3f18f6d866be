"""`fedproof doctor`: is this machine, and a party's folder, fit for a federation?"""

from __future__ import annotations

import os
import tempfile
import time
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from fedproof.cli.app import Json, app, emit
from fedproof.cli.tables import table
from fedproof.doctor.federation import examine
from fedproof.doctor.finding import Examination, Finding
from fedproof.doctor.machine import check_clock, check_core, check_ports, check_versions, installed
from fedproof.doctor.network import check_calls
from fedproof.encoding.text import counted

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@app.command()
def doctor(
    folder: Annotated[
        Path | None, typer.Argument(help="A federation's folder, its server/, or one of its nodes.")
    ] = None,
    port: Annotated[
        list[int] | None, typer.Option(min=1, max=65535, help="A port that is to be free. Repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Checks this machine, and a federation's folder."""
    versions = {name: installed(name) for name in ("flwr", "ray", "torch")}
    machine, calls = Examination("machine"), Examination("network")
    own = examine(folder, int(time.time())) if folder is not None else []
    check_versions(machine, versions["flwr"], versions["torch"])
    check_core(machine, os.environ)
    check_ports(machine, port or ())
    check_clock(machine, folder if folder is not None else Path(tempfile.gettempdir()))
    check_calls(calls, os.environ, versions)
    found = [*machine.findings, *calls.findings, *own]
    problems, warnings = (sum(f.level == level for f in found) for level in ("problem", "warning"))
    if as_json:
        checks = [
            {"where": f.where, "what": f.what, "level": f.level, "told": f.told, "do": f.do} for f in found
        ]
        emit({"healthy": problems == 0, "problems": problems, "warnings": warnings, "checks": checks})
    else:
        console = Console(highlight=False)
        _show(console, found)
        words = f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}"
        style = _STYLES["problem" if problems else "warning" if warnings else "ok"]
        console.print(Text(words, style))
    if problems:
        raise typer.Exit(1)


def _show(console: Console, found: list[Finding]) -> None:
    """A node where all is well takes one line: there may be a hundred."""
    rows = table("where", "check", "", "found, and what to do", title="fedproof doctor")
    for where, group in groupby(found, key=lambda f: f.where):
        checks = list(group)
        if where.startswith("nodes/") and all(f.level == "ok" for f in checks):
            rows.add_row(
                Text(where), Text("all"), Text("ok", _STYLES["ok"]), Text(counted(len(checks), "check"))
            )
            continue
        for number, f in enumerate(checks):
            told = Text(f.told if not f.do else f"{f.told}\n→ {f.do}")
            rows.add_row(
                Text(where if number == 0 else ""), Text(f.what), Text(f.level, _STYLES[f.level]), told
            )
    console.print(rows)
