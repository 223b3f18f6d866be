"""`fedproof inspect`: what is in this file? Nothing is verified."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fedproof.cli.app import Json, app, emit
from fedproof.cli.audit import node_state, show_log, show_state, told_of
from fedproof.data.certificate import DataCertificate, RevocationList
from fedproof.data.files import peek_certificate
from fedproof.encoding import cbor
from fedproof.encoding.files import read_capped
from fedproof.encoding.text import printable
from fedproof.encoding.time import utc_text
from fedproof.encoding.toml import parse_toml
from fedproof.errors import FedproofError, Malformed
from fedproof.identity.keys import EnvelopeVerifyKey, VerifyKey, parse_private
from fedproof.identity.members import read_members
from fedproof.identity.roster import Member, Roster
from fedproof.identity.signed import Signed
from fedproof.identity.training_trust import TrainingTrust
from fedproof.identity.trust import Trust
from fedproof.model.base import parse_base
from fedproof.model.stored import read_tensors
from fedproof.policy.policy import Policy
from fedproof.policy.training import TrainingPolicy
from fedproof.provenance.training_bundle import DATA, TEST, TrainingBundle, is_training_bundle
from fedproof.round.audit import History
from fedproof.round.place import is_node_state
from fedproof.training.proof import Training

_LIMIT = 1 << 30
_SHOWN = 24
"""Entries of a list, or bytes, that are shown."""


@app.command()
def inspect(
    path: Annotated[
        Path,
        typer.Argument(
            help="A policy, trust file, roster, key, list of members, certificate, revocation list, training, message, model,"
            " checkpoint, audit log, bundle or a node's state folder."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Says what a file is and holds, without believing any of it."""
    if path.is_dir():
        kind, content = folder(path)
    else:
        data = read_capped(path, _LIMIT)
        try:
            kind, content = look(data)
        except Malformed as error:
            raise Malformed(f"{printable(str(path))}: {error}") from None
    if as_json:
        emit({"what": kind, "verified": False, "content": content})
    else:
        _show(Console(highlight=False), kind, content)


def _show(console: Console, kind: str, content: Any) -> None:
    chained = kind == "audit log" or (kind == "node state" and content["log"] is not None)
    checked = "the chain of its lines holds; nothing else" if chained else "nothing"
    console.print(f"{kind} ({checked} was verified)", markup=False)
    if kind == "audit log":
        show_log(console, content)
    elif kind == "node state":
        show_state(console, content)
    else:
        console.print(json.dumps(content, indent=2, ensure_ascii=True), markup=False, soft_wrap=True)


def folder(path: Path) -> tuple[str, Any]:
    """A node's state folder, or which of a bundle's parts it has."""
    if is_node_state(path):
        return "node state", node_state(path)
    if is_training_bundle(path):
        return "trained bundle", trained_bundle(path)
    names = sorted(p.name for p in path.iterdir())
    if {"policy.toml", "trust.toml"} <= set(names):
        where = printable(str(path))
        raise Malformed(
            f"{where} is a party's folder: fedproof doctor checks it; of a node inspect its state/"
        )
    if not {"policy.cbor", "roster.cbor"} & set(names):
        raise Malformed(
            f"{printable(str(path))} is a folder, and neither a bundle nor a node's state; name a file in it"
        )
    blobs = sum(1 for p in path.glob("blobs/*/*") if p.is_file())
    return "bundle", {"parts": [printable(n) for n in names], "blobs": blobs}


def trained_bundle(path: Path) -> Any:
    """Of a trained head: whose data, whose revocation lists, what was trained, and what is said of the test set."""
    held, accuracy = TrainingBundle.open(path), None
    if (said := held.accuracy()) is not None:
        accuracy = shown(said.model_dump())
    return {
        "parts": sorted(p.name for p in path.iterdir()),
        "data": [_peeked(path / DATA / serial) for serial in held.serials],
        "test": [_peeked(path / TEST / serial) for serial in held.tests],
        "revocations": list(held.lists),
        "training": _training(held.training()),
        "accuracy": accuracy,
    }


def _peeked(folder: Path) -> Any:
    c = peek_certificate(folder)
    return {"serial": c.serial, "authority": c.authority, "records": c.records, "digest": c.digest().hex()}


def look(data: bytes) -> tuple[str, Any]:
    """(what it is, its content for people). Raises `Malformed` if nothing fits, or if it is one of the files that people write and
    something in it is wrong; `Refused` for an audit log whose lines do not follow from each other."""
    if (written := _written(data)) is not None:
        return written
    if _is_audit_log(data):
        return "audit log", told_of(History.parse(data))
    for kind, read in (
        ("private key", private_key),
        ("public key", public_key),
        ("certificate", certificate),
        ("checkpoint", checkpoint),
    ):
        try:
            return kind, read(data.decode())
        except (FedproofError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    for kind, read_signed in (
        ("roster", roster),
        ("data certificate", data_certificate),
        ("revocation list", revocation_list),
        ("training", training),
    ):
        try:
            return kind, read_signed(data)
        except (Malformed, ValueError):
            continue
    try:
        value = cbor.decode(data, limit=_LIMIT)
        kind = str(value.get("kind", "map")) if isinstance(value, dict) else "CBOR"
        return f"message {printable(kind)}", shown(value)
    except Malformed:
        pass
    try:
        tensors = {printable(n): f"{t.dtype} {list(t.shape)}" for n, t in sorted(read_tensors(data).items())}
        layout = parse_base(data)[0].layout  # as under a policy that freezes nothing
        return "model", {"parameters": layout.size, "layout": layout.digest().hex(), "tensors": tensors}
    except FedproofError:
        raise Malformed(
            "nothing that inspect knows: no policy, trust file, roster, key, list of members, certificate, message, model, checkpoint or"
            " audit log"
        ) from None


def _written(data: bytes) -> tuple[str, Any] | None:
    """A policy, trust file or list of members, by the tables that it has; nothing for what is none of them."""
    try:
        text = data.decode()
        tables = parse_toml(text).keys()
    except (Malformed, UnicodeDecodeError):
        return None
    for kind, read, own in (
        ("trust file", trust_file, {"aggregator", "endorsers", "trainer", "authorities"}),
        ("list of members", members, {"members", "endorser"}),
        ("training policy", training_policy, {"data", "training"}),
        ("policy", policy, {"base_model", "update", "federation"}),
    ):
        if own & tables:
            return kind, read(text)
    return None


def policy(text: str) -> Any:
    """A policy with its defaults and digest."""
    held = Policy.parse(text)
    return {"digest": f"sha256:{held.digest().hex()}", **held.model_dump()}


def training_policy(text: str) -> Any:
    """A policy of training on certified data, with its defaults and digest."""
    held = TrainingPolicy.parse(text)
    return {"digest": f"sha256:{held.digest().hex()}", **held.model_dump()}


def trust_file(text: str) -> Any:
    """Whom a trust file names: for federations, for trained heads, or for both."""
    tables = parse_toml(text).keys()
    head = training_trust(text) if {"trainer", "authorities"} & tables else {}
    return {**(trust(text) if {"aggregator", "endorsers"} & tables else {}), **head}


def training_trust(text: str) -> Any:
    """Whom a trust file names for trained heads; revoked authorities are left out."""
    held = TrainingTrust.parse(text)
    return {
        "trainer": {"name": held.trainer, "envelope": held.envelope.keyid},
        "authorities": {
            name: {"key": a.key.text, "revocations": a.revocations} for name, a in held.authorities.items()
        },
        "policy": f"sha256:{held.policy.hex()}" if held.policy is not None else None,
    }


def trust(text: str) -> Any:
    """Whom a trust file names."""
    held = Trust.parse(text)
    endorsers = {name: key.text for name, key in held.endorsers.items()}
    return {
        "aggregator": held.aggregator.text,
        "envelope": held.envelope.keyid,
        "endorsers": endorsers,
        "policy": f"sha256:{held.policy.hex()}" if held.policy is not None else None,
        "revoked": [VerifyKey(raw).text for raw in sorted(held.revoked)],
    }


def members(text: str) -> Any:
    """What `endorse` would sign, keys as they are written."""
    listed = read_members(text, "members")
    return {"federation": listed.federation, "endorser": listed.endorser, "members": _by_name(listed.members)}


def roster(data: bytes) -> Any:
    """Who may take part, says whoever signed it."""
    signed = Signed.from_bytes(data, limit=_LIMIT)
    held = Roster.from_bytes(signed.payload, limit=_LIMIT)
    return {
        "digest": signed.digest().hex(),
        "version": held.version,
        "federation": held.federation,
        "endorser": held.endorser,
        "signer": VerifyKey(signed.signer).text,
        "previous": held.previous.hex() if held.previous is not None else None,
        "expires": utc_text(held.expires) if held.expires is not None else None,
        "members": _by_name(held.members),
    }


def data_certificate(data: bytes) -> Any:
    """What an authority certified, says whoever signed it."""
    signed = Signed.from_bytes(data, limit=_LIMIT)
    held = DataCertificate.from_bytes(signed.payload, limit=_LIMIT)
    times = {"issued": utc_text(held.issued), "expires": utc_text(held.expires)}
    fields = {**held.model_dump(exclude={"centre", "spread"}), **times}
    return {"digest": held.digest().hex(), "signer": VerifyKey(signed.signer).text, **shown(fields)}


def revocation_list(data: bytes) -> Any:
    """What an authority has revoked, says whoever signed it."""
    signed = Signed.from_bytes(data, limit=_LIMIT)
    held = RevocationList.from_bytes(signed.payload, limit=_LIMIT)
    return {
        **shown(held.model_dump()),
        "issued": utc_text(held.issued),
        "signer": VerifyKey(signed.signer).text,
    }


def training(data: bytes) -> Any:
    """What a trainer says was trained on what."""
    return _training(Training.from_bytes(data, limit=_LIMIT))


def _training(held: Training) -> Any:
    return {"digest": held.digest().hex(), **shown(held.model_dump())}


def _by_name(listed: Iterable[Member]) -> dict[str, Any]:
    """Members as `endorse` reads them."""
    return {
        m.client: VerifyKey(m.key).text
        if m.expires is None
        else {"key": VerifyKey(m.key).text, "expires": utc_text(m.expires)}
        for m in listed
    }


def private_key(text: str) -> Any:
    """The public half of a private key, and nothing else."""
    return _public(parse_private(text.encode()).verify_key)


def public_key(text: str) -> Any:
    """A public key, as `keygen` prints it."""
    if text.startswith("ed25519:"):
        return _public(VerifyKey.parse(text.rstrip("\n")))
    return _public(EnvelopeVerifyKey.parse(text))


def _public(key: VerifyKey | EnvelopeVerifyKey) -> Any:
    if isinstance(key, VerifyKey):
        return {"algorithm": "Ed25519", "public": key.text}
    return {"algorithm": "ECDSA P-256", "keyid": key.keyid, "public": key.pem}


def _is_audit_log(data: bytes) -> bool:
    """By its first line: what comes after it may have been changed, and is then refused."""
    try:
        first = json.loads(data[: data.find(b"\n") + 1])
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and {"previous", "time", "event"} <= first.keys()


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


def _key(raw: Any) -> Any:
    """As rosters and trust files have it, so that whose it is can be looked up there."""
    return VerifyKey(raw).text if isinstance(raw, bytes) and len(raw) == 32 else shown(raw)


def shown(value: Any) -> Any:
    """For people: bytes as hex, long ones and long lists cut; a signed payload is opened."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 2 * _SHOWN else f"{value[:_SHOWN].hex()}… ({len(value)} bytes)"
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list | tuple):
        more = [f"… {len(value) - _SHOWN} more"] if len(value) > _SHOWN else []
        return [*(shown(v) for v in value[:_SHOWN]), *more]
    if isinstance(value, dict):
        parts = {printable(str(k)): _key(v) if k == "signer" else shown(v) for k, v in value.items()}
        if {"signer", "payload", "signature"} <= value.keys() and isinstance(value["payload"], bytes):
            with suppress(Malformed):
                parts["payload"] = shown(cbor.decode(value["payload"]))
        return parts
    return value
