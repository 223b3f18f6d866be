"""`fedproof provision`: the folders of all parties, on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.files import read_capped
from fedproof.encoding.text import counted, printable
from fedproof.errors import UsageError
from fedproof.model.tensors import MAX_FILE

_MAX_POLICY = 1 << 20


@app.command()
def provision(
    folder: Annotated[Path, typer.Argument(help="The federation's folder, made here.")],
    policy: Annotated[Path, typer.Option(help="The policy (TOML).")],
    base: Annotated[Path, typer.Option(help="The base model (safetensors).")],
    nodes: Annotated[int, typer.Option(help="How many nodes.")],
    as_json: Json = False,
) -> None:
    """Makes all parties' folders on one machine. For simulation and trials."""
    from fedproof.round.provision import provision as make

    text = read_capped(policy, _MAX_POLICY)
    try:
        text.decode()
    except UnicodeDecodeError:
        raise UsageError(
            f"policy {printable(str(policy))}: not UTF-8 text; a policy is a TOML file"
        ) from None
    names = make(folder, policy=text, base=read_capped(base, MAX_FILE), nodes=nodes)
    if as_json:
        emit({"folder": str(folder.absolute()), "nodes": list(names)})
    else:
        print(f"{printable(str(folder.absolute()))}: server and {counted(len(names), 'node')}")
