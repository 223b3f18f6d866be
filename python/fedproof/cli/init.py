"""`fedproof init`: a Flower app to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.text import counted, printable


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The app's folder, made here.")],
    template: Annotated[str, typer.Option(help="numpy or pytorch.")] = "numpy",
    nodes: Annotated[int, typer.Option(help="How many nodes the trial federation has.")] = 5,
    as_json: Json = False,
) -> None:
    """Writes a Flower app with proofs. With a federation for trials in it; uses no network."""
    from fedproof.templates import write_app

    names = write_app(folder, template=template, nodes=nodes)
    place = str(folder)
    config = f"num-supernodes={nodes} client-resources-num-cpus=1"
    command = ["flwr", "run", place, "--stream", "--federation-config", config]
    if as_json:
        emit({"folder": str(folder.absolute()), "template": template, "nodes": list(names), "run": command})
    else:
        print(
            f"{printable(place)}: a Flower app from the template {template}, and a federation of {counted(nodes, 'node')}"
        )
        print(f"run it: {printable(shlex.join(command), 2000)}")
