"""`fedproof inspect`: what is in this file? Nothing is verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fedproof.cli.app import Json, app, emit
from fedproof.encoding import cbor
from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.errors import FedproofError, Malformed
from fedproof.identity.trust import Trust
from fedproof.model.tensors import parse_model
from fedproof.policy.policy import Policy

_LIMIT = 1 << 30
_SHOWN = 24
"""Entries of a list, or bytes, that are shown."""


@app.command()
def inspect(
    path: Annotated[
        Path, typer.Argument(help="A policy, trust file, roster, certificate, message, model, log or bundle.")
    ],
    as_json: Json = False,
) -> None:
    """Says what a file is and what it holds, without believing any of it."""
    kind, content = bundle(path) if path.is_dir() else look(read_capped(path, _LIMIT))
    told = {"what": kind, "verified": False, "content": content}
    if as_json:
        emit(told)
    else:
        console = Console(highlight=False)
        console.print(f"{kind} (nothing was verified)", markup=False)
        console.print(json.dumps(content, indent=2, ensure_ascii=True), markup=False, soft_wrap=True)


def bundle(path: Path) -> tuple[str, Any]:
    """A folder: which of a bundle's parts it has."""
    names = sorted(p.name for p in path.iterdir())
    if not {"policy.cbor", "roster.cbor"} & set(names):
        raise Malformed(f"{printable(str(path))} is a folder, and not a bundle; name a file in it")
    blobs = sum(1 for p in path.glob("blobs/*/*") if p.is_file())
    return "bundle", {"parts": [printable(n) for n in names], "blobs": blobs}


def look(data: bytes) -> tuple[str, Any]:
    """(what it is, its content for people). Raises `Malformed` if nothing fits."""
    for kind, read in (
        ("policy", policy),
        ("trust file", trust),
        ("certificate", certificate),
        ("checkpoint", checkpoint),
    ):
        try:
            return kind, read(data.decode())
        except (FedproofError, ValueError, KeyError, TypeError, RecursionError):
            continue
    try:
        value = cbor.decode(data, limit=_LIMIT)
        kind = str(value.get("kind", "map")) if isinstance(value, dict) else "CBOR"
        return f"message {printable(kind)}", shown(value)
    except Malformed:
        pass
    try:
        layout, _ = parse_model(data)
        tensors = {printable(t.name): f"{t.dtype} {list(t.shape)}" for t in layout.tensors}
        return "model", {"parameters": layout.size, "layout": layout.digest().hex(), "tensors": tensors}
    except FedproofError:
        raise Malformed(
            "nothing that fedproof writes: no policy, trust file, certificate, message, model or checkpoint"
        ) from None


def policy(text: str) -> Any:
    """A policy with its defaults and digest."""
    held = Policy.parse(text)
    return {"digest": f"sha256:{held.digest().hex()}", **held.model_dump()}


def trust(text: str) -> Any:
    """Whom a trust file names."""
    held = Trust.parse(text)
    endorsers = {name: key.text for name, key in held.endorsers.items()}
    return {
        "aggregator": held.aggregator.text,
        "envelope": held.envelope.keyid,
        "endorsers": endorsers,
        "revoked": len(held.revoked),
    }


def certificate(text: str) -> Any:
    """The statement in an envelope."""
    import base64

    envelope = json.loads(text)
    statement = json.loads(base64.b64decode(envelope["payload"], validate=True))
    return {
        "signatures": [printable(str(s["keyid"])) for s in envelope["signatures"]],
        "statement": shown(statement),
    }


def checkpoint(text: str) -> Any:
    """A log's signed state."""
    lines = text.split("\n")
    if len(lines) < 5 or not lines[1].isdigit() or not any(line.startswith("— ") for line in lines):
        raise ValueError("not a checkpoint")
    return {"origin": printable(lines[0]), "entries": int(lines[1]), "root": printable(lines[2])}


def shown(value: Any) -> Any:
    """For people: bytes as hex, long ones and long lists cut; a signed payload is opened."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 2 * _SHOWN else f"{value[:_SHOWN].hex()}… ({len(value)} bytes)"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        more = [f"… {len(value) - _SHOWN} more"] if len(value) > _SHOWN else []
        return [*(shown(v) for v in value[:_SHOWN]), *more]
    if isinstance(value, dict):
        if value.get("kind") == "signed" and isinstance(value.get("payload"), bytes):
            try:
                return {
                    **{k: shown(v) for k, v in value.items()},
                    "payload": shown(cbor.decode(value["payload"])),
                }
            except Malformed:
                pass
        return {printable(str(k)): shown(v) for k, v in value.items()}
    return value
