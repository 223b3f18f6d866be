"""What proofs cost a Flower app: the same simulation with and without them, one after the other. Run: `make bench-flower`.

Local training costs nothing here, so that the ratio is the worst there can be; beside it stands what fedproof's own part is of a round
whose training takes a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.flower.setting import parse_options, provisioned
from tests.flower.simulation import superlink

APP = Path(__file__).parent / "app"


def run(
    scratch: Path, options: argparse.Namespace, federation: Path | None, variables: Mapping[str, str]
) -> dict[str, Any]:
    """One simulation, and what it cost. federation: none for one without proofs. variables: as `superlink` gives them."""
    results = scratch / "results.json"
    results.unlink(missing_ok=True)
    config = {
        "parameters": options.parameters,
        "rounds": options.rounds,
        "results": str(results),
        "fedproof": str(federation or ""),
    }
    text = " ".join(f"{name}={json.dumps(value)}" for name, value in config.items())
    nodes = f"num-supernodes={options.nodes} client-resources-num-cpus=1"
    command = ["flwr", "run", str(APP), "--stream", "--run-config", text, "--federation-config", nodes]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if not results.exists():
        raise SystemExit(f"the run left no results:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(results.read_text())
    return found


def main() -> None:
    """Prints the table; with --json FILE writes it, too."""
    options = parse_options(__doc__, rounds=3)
    with provisioned(options.nodes, options.parameters) as folder:
        home = folder.parent / "home"
        home.mkdir()
        with superlink(home) as variables:
            plain = run(home, options, None, variables)
            proved = run(home, options, folder, variables)
    table = tabulate(plain, proved, options.nodes)
    for line, value in table.items():
        print(f"{line:<52} {value}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"plain": plain, "proved": proved, "table": table}, indent=1))


def tabulate(plain: dict[str, Any], proved: dict[str, Any], nodes: int) -> dict[str, str]:
    """Ratios and parts. A node's parts are those of the slowest node, median over rounds."""
    rounds = proved["rounds"]

    def part(name: str) -> float:
        return median(r["seconds"].get(name, 0.0) for r in rounds)

    def node(name: str) -> float:
        return part(f"node-{name}")

    own = sum(node(name) for name in ("adopt", "quantise", "prove"))
    server = (part("verify") + part("sum-and-record")) / nodes
    both = own + server
    wire = [(r["to_nodes"] + r["from_nodes"]) / 1e6 for r in (plain, proved)]
    wall = [r["seconds"] for r in (plain, proved)]
    return {
        "wall time, s: without, with, ratio": f"{wall[0]:.1f}  {wall[1]:.1f}  {wall[1] / wall[0]:.2f}",
        "bytes of records, MB: without, with, ratio": f"{wire[0]:.0f}  {wire[1]:.0f}  {wire[1] / wire[0]:.2f}",
        "node: quantise, s": f"{node('quantise'):.3f}",
        "node: prove (commit, prove, sign, keep), s": f"{node('prove'):.3f}",
        "node: check the round before (adopt), s": f"{node('adopt'):.3f}",
        "server: verify, s for each client": f"{part('verify') / nodes:.3f}",
        "server: sum and record, s for each client": f"{part('sum-and-record') / nodes:.3f}",
        "exchange of uploads beside verification, s": f"{part('uploads'):.2f}",
        "fedproof's own part, s for each client and round": f"{both:.3f}",
        "of a round whose training takes 60 s": f"{100 * both / 60:.2f} %",
        "server's peak memory, MB: without, with": f"{plain['server_rss'] / 1e6:.0f}  {proved['server_rss'] / 1e6:.0f}",
    }


if __name__ == "__main__":
    main()
