"""`fedproof bench r1`: what proving an update costs on this machine."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import numpy as np
import typer

from fedproof.cli.app import Json, app, emit
from fedproof.policy.parameters import limb
from fedproof.policy.policy import DEFAULT_SUITE
from fedproof.proofs import Context, bounded_update, commit
from fedproof.proofs.bounded_update import Bounds

commands = typer.Typer(help="What proving costs on this machine.", no_args_is_help=True)
app.add_typer(commands, name="bench")

T = TypeVar("T")


# Phases of proving, by what the command prints; and which of the proof's messages belong to each.
LABELS = {
    "commit_s": "commitment to the update",
    "columns_s": "limbs, multiplicities, slack",
    "trees_s": "trees of the look-ups",
    "layers_s": "sumchecks of their layers",
    "products_s": "products",
    "merges_s": "openings, merged",
    "inner_product_s": "inner-product argument",
    "rest_s": "rest",
}
MESSAGES = {
    "limb": "columns_s",
    "m": "columns_s",
    "slack": "columns_s",
    "gkr/roots": "trees_s",
    "gkr/round": "layers_s",
    "gkr/ends": "layers_s",
    "products/round": "products_s",
    "product/masks": "products_s",
    "product/u": "products_s",
    "product/v": "products_s",
    "merge/low": "merges_s",
    "merge/high": "merges_s",
    "ipa/low": "inner_product_s",
    "ipa/high": "inner_product_s",
    "schnorr/nonce": "inner_product_s",
    "schnorr/answer": "inner_product_s",
}


def phases(proof_s: float, spent: list[tuple[str, float]]) -> dict[str, float]:
    """Seconds of the proof by phase: from one message to the next, counted for the later one."""
    told = dict.fromkeys(list(LABELS)[1:], 0.0)
    for message, seconds in spent:
        told[MESSAGES[message]] += seconds
    told["rest_s"] = proof_s - sum(told.values())
    return told


@commands.callback()
def group() -> None:
    """A group, although it has one command."""


@commands.command()
def r1(
    dim: Annotated[int, typer.Option(min=1, max=1 << 24, help="Coordinates of the update.")] = 100_000,
    bits: Annotated[int, typer.Option(min=2, max=16, help="Width of a coordinate, sign included.")] = 16,
    threads: Annotated[int, typer.Option(min=0, max=1024, help="0: all cores.")] = 0,
    as_json: Json = False,
) -> None:
    """The bounded update: range and norm, in zero knowledge. Minimum of three warm runs, tables left out; `prove_s` is commitment and
    proof together."""
    if threads:
        os.environ["RAYON_NUM_THREADS"] = str(threads)  # read when the engine first works
    bound = (1 << (bits - 1)) - 1
    x = np.random.default_rng(1).integers(-bound, bound + 1, size=dim, dtype=np.int64)
    bounds = Bounds(bound, max(1, int(sum(int(v) ** 2 for v in x))), limb(dim, bound))
    ctx = Context(bytes(32), "bench", 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    commitment, opening = commit(DEFAULT_SUITE, x)
    bounded_update.prove_unchecked(ctx, bounds, commitment, opening)
    commit_s, (commitment, opening) = best(lambda: commit(DEFAULT_SUITE, x))
    proof_s, (proof, spent) = best(lambda: bounded_update.prove_timed(ctx, bounds, commitment, opening))
    verify_s, _ = best(lambda: bounded_update.verify(ctx, bounds, commitment, proof))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    parts = {"commit_s": commit_s} | phases(proof_s, spent)
    told = {
        "dim": dim,
        "bits": bits,
        "threads": threads or os.cpu_count() or 1,
        "prove_s": commit_s + proof_s,
        "verify_s": verify_s,
        "bytes": len(proof) + len(commitment.points),
        "peak_mb": round(peak, 1),
        "phases": parts,
    }
    if as_json:
        emit(told)
        return
    print(f"{_count(dim, 'coordinate')} of {bits} bits, {_count(threads or os.cpu_count() or 1, 'thread')}")
    for name, label in LABELS.items():
        print(f"  {label:<34}{1000 * parts[name]:9.1f} ms")
    print(f"  {'commitment and proof':<34}{1000 * (commit_s + proof_s):9.1f} ms")
    print(f"  {'verification':<34}{1000 * verify_s:9.1f} ms")
    print(f"  commitment and proof {told['bytes']:,} bytes, {peak:.0f} MB of memory over the input")


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'s' if number != 1 else ''}"


def best(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds and result of the fastest of three runs."""
    runs = []
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        runs.append((time.perf_counter() - start, result))
    return min(runs, key=lambda run: run[0])
