"""`fedproof policy calibrate`: bounds from a dry run, and what they cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from fedproof.cli.app import Json, emit
from fedproof.cli.tables import table
from fedproof.encoding.digest import sha256, text_of
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import counted, printable
from fedproof.errors import UsageError
from fedproof.model.base import Base, parse_base
from fedproof.model.calibrate import Bounds, Effect, Margins, effect, furthest_norm, propose
from fedproof.model.dry_run import Cost, DryRun, compare, read_metrics
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.draft import Draft
from fedproof.policy.parameters import check_sums
from fedproof.policy.policy import Policy

Quantile = Annotated[float, typer.Option(help="Share of the updates that is to be within each bound.")]
NormRoom = Annotated[float, typer.Option(help="Factor from that share's norm to max_norm.")]
CoordinateRoom = Annotated[float, typer.Option(help="Factor from that share's coordinate to max_abs.")]


def calibrate(
    dry: Annotated[Path, typer.Argument(help="The dry run: round-R/start, CLIENT.safetensors, CLIENT.json.")],
    federation: Annotated[str, typer.Option(help="The federation's name.")],
    base: Annotated[Path, typer.Option(help="The base model's file.")],
    out: Annotated[Path, typer.Option(help="Where the policy goes; never over another file.")],
    rounds: Annotated[int, typer.Option(help="Rounds that the federation plans; 0: any number.")] = 0,
    min_accepted: Annotated[int, typer.Option(help="Fewer accepted updates make a round void.")] = 2,
    deadline_seconds: Annotated[int, typer.Option(help="How long clients have to answer.")] = 600,
    max_weight: Annotated[
        int | None, typer.Option(help="Largest weight of one client; else the dry run's.")
    ] = None,
    frozen: Annotated[
        list[str] | None, typer.Option(help="Tensors that are not trained, by pattern. Repeatable.")
    ] = None,
    quantile: Quantile = Margins.quantile,
    norm_room: NormRoom = Margins.norm,
    coordinate_room: CoordinateRoom = Margins.coordinate,
    as_json: Json = False,
) -> None:
    """Proposes scale and bounds from a dry run, and writes a policy."""
    if out.exists() or out.is_symlink():
        raise UsageError(f"{printable(str(out))} exists; a policy is not written over, give another --out")
    margins = Margins(quantile, norm_room, coordinate_room)
    data = read_capped(base, MAX_FILE)
    fixed, _ = parse_base(data, tuple(frozen or ()))
    run = DryRun(dry, fixed)
    metrics = read_metrics(dry)
    costs = compare(*metrics) if metrics is not None else ()
    bounds, effects = _measure(run, fixed, margins)
    heaviest = max(e.weight for e in effects)
    share = f"{quantile:.0%} of the updates"
    draft = Draft(
        federation=federation,
        base=sha256(data),
        scale=bounds.scale,
        max_abs=bounds.max_abs,
        max_norm=bounds.max_norm,
        max_weight=heaviest if max_weight is None else max_weight,
        rounds=rounds,
        min_accepted=min_accepted,
        deadline_seconds=deadline_seconds,
        frozen=tuple(frozen or ()),
        origin=(
            f"Proposed by fedproof policy calibrate from {counted(len(effects), 'update')} of {counted(run.rounds, 'round')}.",
            "Bounds limit what an update can do; whether it is honest they do not show.",
        ),
        comments={
            "scale": "the largest, 24 at most, at which max_abs fits 32767",
            "max_abs": f"{share} change no coordinate by more than max_abs / {coordinate_room:.4g}",
            "max_norm": "no update within max_abs is longer"
            if bounds.max_norm == furthest_norm(fixed.layout.size, bounds.max_abs)
            else f"{share} are no longer than max_norm / {norm_room:.4g}",
            "weights": f"the largest in the dry run is {heaviest}",
        },
    )
    policy = Policy.parse(text := draft.to_toml())
    check_sums(policy, len(run.clients))
    write_atomic(out, text.encode())
    if as_json:
        emit(_told(out, policy, margins, effects, costs))
    else:
        _show(Console(highlight=False), out, policy, effects, costs)


def _measure(run: DryRun, fixed: Base, margins: Margins) -> tuple[Bounds, list[Effect]]:
    """The proposal, and what it does to each update; says on a terminal that it is at work."""
    console = Console(stderr=True)
    if not console.is_terminal or not sys.stderr.isatty():
        bounds = propose(run, fixed.layout, margins)
        return bounds, [effect(one, fixed.layout, bounds) for one in run]
    with console.status("measuring the dry run's updates") as status:
        bounds = propose(run, fixed.layout, margins)
        effects = []
        for one in run:
            status.update(f"clipping round {one.round}, {one.client}")
            effects.append(effect(one, fixed.layout, bounds))
    return bounds, effects


def _by_client(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """Of each client the update that fared worst, by each measure."""
    ordered = sorted(effects, key=lambda e: (e.client, e.round))
    return [
        {
            "client": client,
            "updates": len(own),
            "unchanged": sum(e.unchanged for e in own),
            "counted": sum(e.counted for e in own),
            "norm": max(e.norm for e in own),
            "norm_kept": min(e.norm_kept for e in own),
            "clamped": max(e.clamped for e in own),
            "rounding": max(e.rounding for e in own),
        }
        for client, own in ((c, list(g)) for c, g in groupby(ordered, key=lambda e: e.client))
    ]


def _told(
    out: Path, policy: Policy, margins: Margins, effects: Sequence[Effect], costs: Sequence[Cost]
) -> dict[str, Any]:
    update = policy.update
    return {
        "file": str(out),
        "digest": text_of(policy.digest()),
        "update": update.model_dump(),
        "unit": 2.0**-update.scale,
        "margins": vars(margins),
        "unchanged": sum(e.unchanged for e in effects),
        "clients": [_finite(row) for row in _by_client(effects)],
        "updates": [_finite({**vars(e), "unchanged": e.unchanged}) for e in effects],
        "cost": [{**vars(c), "difference": c.difference} for c in costs],
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: a norm beyond what floats hold is null."""
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in row.items()}


def _show(
    console: Console, out: Path, policy: Policy, effects: Sequence[Effect], costs: Sequence[Cost]
) -> None:
    update, unit = policy.update, 2.0**-policy.update.scale
    for line in (
        f"scale    {update.scale:<10} one unit is 2^-{update.scale} = {unit:.3g}",
        f"max_abs  {update.max_abs:<10} {update.max_abs * unit:.4g}",
        f"max_norm {update.max_norm:<10} {update.max_norm * unit:.4g}",
    ):
        console.print(line, markup=False)
    rows = table(
        "client",
        "unchanged",
        "norm",
        "norm kept",
        "clamped",
        "rounding",
        title="What the bounds do, at worst",
    )
    for column in rows.columns[1:]:
        column.justify = "right"
    for row in _by_client(effects):
        style = "" if row["unchanged"] == row["updates"] else "yellow"
        cells = (
            row["client"],
            f"{row['unchanged']}/{row['updates']}",
            f"{row['norm']:.4g}",
            f"{row['norm_kept']:.1%}",
            f"{row['clamped']:.2%}",
            f"{row['rounding']:.2g}",
        )
        rows.add_row(*(Text(printable(cell), style) for cell in cells))
    console.print(rows)
    for e in effects:
        if not e.counted:
            what = f"round {e.round}, {e.client}: a weight has no place in 2^53 units; its client would send nothing"
            console.print(what, markup=False, style="bold red", soft_wrap=True)
    unchanged = sum(e.unchanged for e in effects)
    console.print(f"{unchanged} of {counted(len(effects), 'update')} stay as they are", markup=False)
    _show_costs(console, costs)
    console.print(f"policy: {printable(str(out))}, {text_of(policy.digest())}", markup=False, soft_wrap=True)


def _show_costs(console: Console, costs: Sequence[Cost]) -> None:
    if not costs:
        return
    rows = table(
        "metric",
        "without",
        "with",
        "difference",
        "furthest apart",
        title="What clipping costs, after the last round",
    )
    for column in rows.columns[1:]:
        column.justify = "right"
    for c in costs:
        apart = f"{c.worst:.4g} in round {c.worst_round}"
        cells = (printable(c.metric, 64), f"{c.plain:.4g}", f"{c.clipped:.4g}", f"{c.difference:+.4g}", apart)
        rows.add_row(*map(Text, cells))
    console.print(rows)
