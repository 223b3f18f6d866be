"""`fedproof demo`: a whole federation on this machine, and its audit by a separate process."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.text import printable
from fedproof.errors import FedproofError, Refused, UsageError

if TYPE_CHECKING:
    from fedproof.demo.federation import Answer, Event, Outcome


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option(help="Where bundle, model, policy and trust file are left. New or empty.")
    ] = None,
    certified: Annotated[
        bool,
        typer.Option(
            "--certified", help="The story of certified data instead: one hospital trains, three cheat."
        ),
    ] = False,
    clear: Annotated[
        bool, typer.Option("--clear", help="Without masks: the aggregator can read every update.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Seven hospitals train together under masks, and two lie. Proof and evidence name them; the model comes with a certificate."""
    if certified and clear:
        raise UsageError("--certified is another story: one hospital trains alone, and nothing is masked")
    if importlib.util.find_spec("sklearn") is None:
        raise UsageError("the demo needs scikit-learn for its data: pip install '.[demo]' in the clone")
    if out is None:
        with tempfile.TemporaryDirectory(prefix="fedproof-demo-") as folder:
            _demo(Path(folder), certified, clear, as_json)
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{printable(str(out))} exists and is not an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    _demo(out, certified, clear, as_json)
    if not as_json:
        lists = " revocations.cbor" if certified else ""
        print(f"left in {printable(str(out))}: bundle/ model.safetensors policy.toml trust.toml{lists}")


def _demo(out: Path, certified: bool, clear: bool, as_json: bool) -> None:
    if certified:
        _certified(out, as_json)
    else:
        _federation(out, as_json, masked=not clear)


def _certified(out: Path, as_json: bool) -> None:
    from fedproof.demo.certified import run_certified

    console = Console(highlight=False)
    newest = ("--revocations", str(out / "revocations.cbor"))
    if as_json:
        story = run_certified(out)
        checked = _verify(out, *newest, "--json")
        emit(
            {
                "records": story.records,
                "accuracy": story.accuracy,
                "logit_freedom": story.freedom,
                "refused": [
                    {
                        "client": r.client,
                        "did": r.did,
                        "object": r.object,
                        "stage": r.stage,
                        "reason": r.reason,
                    }
                    for r in story.refused
                ],
                "receipt": {"answers": list(story.answers), "bytes": story.receipt, "verified": True},
                "seconds": {name: round(value, 3) for name, value in story.seconds.items()},
                "verified": checked.returncode == 0,
                "verify": _report(checked),
            }
        )
        if checked.returncode != 0:
            sys.exit(1)
        return
    story = run_certified(out, lambda step: console.print(f"- {step}", markup=False, soft_wrap=True))
    console.print(f"\n{len(story.refused)} refused:", markup=False)
    for r in story.refused:
        console.print(f"  {r.client} {r.did}", style="red", markup=False, soft_wrap=True)
        console.print(f"    {r.object}, {r.stage}: {printable(r.reason)}", markup=False, soft_wrap=True)
    total = sum(story.seconds.values())
    for line in (
        f"trained on {story.records} certified records; proved: {story.accuracy:.1%} of a test set that nobody trained on are right",
        f"no logit is further than {story.freedom:.2g} from the optimum's",
        f"one receipt of {story.receipt:,} bytes for {len(story.answers)} answers: checked",
        f"time: {total:.1f} s, "
        + ", ".join(f"{name} {value:.1f} s" for name, value in story.seconds.items()),
    ):
        console.print(line, markup=False, soft_wrap=True)
    console.print("\nA separate process now verifies the bundle from public files only:\n", markup=False)
    if _verify(out, *newest, capture=False).returncode != 0:
        raise Refused("demo", "argument", "the separate process did not verify the bundle")


def _federation(out: Path, as_json: bool, *, masked: bool) -> None:
    from fedproof.demo.federation import run

    console = Console(highlight=False)
    if as_json:
        outcome = run(out, masked=masked)
        checked = _verify(out, "--json")
        _emit(outcome, checked.returncode == 0, _report(checked))
        if checked.returncode != 0:  # said in the object: there is only one
            sys.exit(1)
        return
    with Live(console=console, refresh_per_second=8) as live:
        view = _View(live)
        outcome = run(out, view.tell, masked=masked)
        view.finish()
    _summary(console, outcome)
    console.print("\nA separate process now verifies the bundle from public files only:\n", markup=False)
    checked = _verify(out, capture=False)
    if checked.returncode != 0:
        raise Refused("demo", "argument", "the separate process did not verify the bundle")


def _verify(out: Path, *options: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fedproof", "verify", str(out / "bundle"), *options]
    for option, name in (
        ("--model", "model.safetensors"),
        ("--policy", "policy.toml"),
        ("--trust", "trust.toml"),
    ):
        command += [option, str(out / name)]
    try:
        return subprocess.run(command, check=False, capture_output=capture, text=True)
    except OSError as error:
        raise FedproofError(f"the verifier could not be started: {error}") from None


def _report(checked: subprocess.CompletedProcess[str]) -> object:
    """What the verifier wrote, or, if it died before it could, its last words."""
    try:
        return json.loads(checked.stdout)
    except json.JSONDecodeError:
        return {"verified": False, "error": printable(checked.stderr.strip()[-1000:], 1000)}


def _emit(outcome: Outcome, verified: bool, report: object) -> None:
    refused = [{"client": a.client, "round": a.round, "reason": a.reason} for a in outcome.refused]
    emit(
        {
            "rounds": outcome.rounds,
            "accepted": outcome.accepted,
            "refused": refused,
            "masked": outcome.masked,
            "dropped": [
                {"client": a.client, "round": a.round} for a in outcome.absent if a.kind == "dropped"
            ],
            "named": [
                {"client": a.client, "round": a.round, "evidence": a.evidence}
                for a in outcome.absent
                if a.kind == "named"
            ],
            "bytes_per_coordinate": outcome.width,
            "accuracy": outcome.accuracy,
            "accuracy_plain": outcome.accuracy_plain,
            "parameters": outcome.parameters,
            "seconds": outcome.timing.to_json(),
            "verified": verified,
            "verify": report,
        }
    )


_HOSPITALS = 7
_OTHER_LINES = _HOSPITALS + 11  # titles, heads and rules of the two tables, the line below them


class _View:
    """The live table: one row a client for the round under way, one line a finished round. While it runs it shows as
    many rounds as the terminal has lines for, at the end all of them."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._answers: dict[str, Answer] = {}
        self._rounds: list[tuple[str, str, str, Text]] = []
        self._refused = ""

    def tell(self, event: Event) -> None:
        from fedproof.demo.federation import Answer

        if isinstance(event, Answer):
            if self._answers and event.round != next(iter(self._answers.values())).round:
                self._answers.clear()
            self._answers[event.client] = event
            if not event.accepted:
                self._refused = f"{event.client}: {_relation(event.reason)}"
        else:
            left = [self._refused] if self._refused else []
            left += [f"{a.client}: {a.evidence or 'no answer'}" for a in event.absent]
            for a in event.absent:
                if a.client in self._answers:  # its upload was accepted before the sum did not open
                    self._answers[a.client] = replace(
                        self._answers[a.client], accepted=False, reason=a.evidence
                    )
            refused = Text(printable(", ".join(left)), "red")
            self._rounds.append(
                (str(event.round), f"{event.accepted}/{_HOSPITALS}", f"{event.accuracy:.1%}", refused)
            )
            self._refused = ""
        self._show(max(1, self._live.console.height - _OTHER_LINES))

    def finish(self) -> None:
        self._show(len(self._rounds))

    def _show(self, last: int) -> None:
        rounds = Table(title="Rounds", title_justify="left")
        for column in ("round", "accepted", "accuracy"):
            rounds.add_column(column, justify="right", no_wrap=True)
        rounds.add_column("left out")
        for row in self._rounds[-last:]:
            rounds.add_row(*row)
        self._live.update(Group(self._table(), rounds))

    def _table(self) -> Table:
        table = Table(title="This round", title_justify="left")
        table.add_column("client", no_wrap=True)
        table.add_column("update")
        for column in ("prove ms", "verify ms", "bytes"):
            table.add_column(column, justify="right", no_wrap=True)
        for a in self._answers.values():
            what = (
                Text("accepted", "green")
                if a.accepted
                else Text(printable(f"refused: {_relation(a.reason)}"), "bold red")
            )
            table.add_row(a.client, what, f"{a.prove_ms:.0f}", f"{a.verify_ms:.0f}", f"{a.size:,}")
        for _ in range(_HOSPITALS - len(self._answers)):  # so that the table below stays where it is
            table.add_row("")
        return table


def _relation(reason: str) -> str:
    """What failed, for a narrow column; the summary has the finding, the verifier's table the whole sentence."""
    return reason.split(": ")[0]


def _summary(console: Console, outcome: Outcome) -> None:
    from fedproof.demo.timing import PARTS

    console.print(f"\n{outcome.accepted} updates accepted, others not:", markup=False)
    for a in outcome.refused:
        finding = ": ".join(a.reason.split(": ")[:2])
        console.print(f"  {a.client}, round {a.round}: {finding}", style="red", markup=False, soft_wrap=True)
        console.print(f"    sent: {a.cheat}", markup=False, soft_wrap=True)
    for left in outcome.absent:
        what = f"named by evidence ({left.evidence})" if left.kind == "named" else "was not heard of any more"
        console.print(
            f"  {left.client}, round {left.round}: {what}", style="red", markup=False, soft_wrap=True
        )
        if left.kind == "named":
            console.print(
                "    sent: under its masks another update than it proved; the round ends without it",
                markup=False,
            )
    if outcome.masked:
        console.print(
            f"the aggregator saw sums only; under masks a coordinate has {outcome.width} bytes", markup=False
        )
    console.print(
        f"accuracy {outcome.accuracy:.1%} with fedproof and attackers, {outcome.accuracy_plain:.1%} without either",
        markup=False,
    )
    timing = outcome.timing
    console.print(
        f"time: {timing.plain:.2f} s of training without fedproof; with it, all hospitals and the\n"
        f"aggregator in this one process, {timing.total:.1f} s, {timing.ratio:.0f} times as long:",
        markup=False,
    )
    parts = Table.grid(padding=(0, 2))
    for name, value in timing.seconds.items():
        parts.add_row(f"  {name}", f"{value:.2f} s", Text(PARTS[name], "dim"))
    console.print(parts)
