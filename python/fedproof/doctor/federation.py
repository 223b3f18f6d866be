"""A federation's folder, or one party's of it, as `round.folder` lays them out and `fedproof provision` makes them:

FOLDER/server/      the aggregator's
FOLDER/nodes/NAME/  a node's
FOLDER/endorser.pem
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fedproof.doctor.finding import Examination, Finding
from fedproof.doctor.party import Party, check_private, examine_node, examine_server
from fedproof.encoding.text import printable
from fedproof.errors import UsageError
from fedproof.identity.keys import SigningKey
from fedproof.round.folder import ENVELOPE_KEY, MESSAGE_KEY, NODE_KEY, POLICY, ROSTER, TRUST
from fedproof.round.provision import ENDORSER


def examine(folder: Path, now: int) -> list[Finding]:
    """Every check of the folder. now: Unix seconds. Raises `UsageError` where it is none of these folders."""
    if (folder / "server").is_dir() or (folder / "nodes").is_dir():
        return _whole(folder, now)
    if (folder / MESSAGE_KEY).exists() or (folder / ENVELOPE_KEY).exists():
        at = Examination("server")
        examine_server(folder, at, now)
        return at.findings
    if (folder / NODE_KEY).exists():
        at = Examination("node")
        examine_node(folder, at, now)
        return at.findings
    shown = printable(str(folder))
    if not folder.is_dir():
        raise UsageError(f"{shown} is no folder")
    raise UsageError(
        f"{shown} is no folder of a federation: expected server/ or nodes/ in it, or message.pem (the aggregator's), or key.pem (a node's)"
    )


def _whole(folder: Path, now: int) -> list[Finding]:
    """All on one machine: each party by itself, then whether they hold the same."""
    at = Examination("federation")
    examinations = [at]
    server = None
    if (folder / "server").is_dir():
        examinations.append(Examination("server"))
        server = examine_server(folder / "server", examinations[-1], now)
    nodes = {}
    names = (
        sorted(p.name for p in (folder / "nodes").iterdir() if p.is_dir())
        if (folder / "nodes").is_dir()
        else []
    )
    for name in sorted(names, key=lambda n: (len(n), n)):  # 2 before 10
        examinations.append(Examination(f"nodes/{printable(name, 64)}"))
        nodes[examinations[-1].where] = examine_node(folder / "nodes" / name, examinations[-1], now)
    if server is not None:
        for where, found in zip(nodes, examinations[2:], strict=True):
            _compare(server, nodes[where], found)
    _check_distinct(nodes, at)
    _check_endorser(folder, server, at)
    return [finding for examination in examinations for finding in examination.findings]


def _compare(server: Party, node: Party, at: Examination) -> None:
    """What a node holds against what the aggregator holds: each is right by itself, and still no round would come about."""
    same = "give both the same; nodes get theirs from the federation, never from the aggregator alone"
    if (
        server.policy is not None
        and node.policy is not None
        and server.policy.digest() != node.policy.digest()
    ):
        at.problem(POLICY, "another policy than the aggregator's", same)
    if (
        server.signed is not None
        and node.signed is not None
        and server.signed.digest() != node.signed.digest()
    ):
        at.problem(ROSTER, "another roster, or version of it, than the aggregator's", same)
    if server.key is not None and node.trust is not None and server.key.verify_key != node.trust.aggregator:
        told = f"names {node.trust.aggregator.text}, the aggregator's key is {server.key.verify_key.text}"
        at.problem(TRUST, told, "put the aggregator's public half there, as its owner gives it to you")


def _check_distinct(nodes: dict[str, Party], at: Examination) -> None:
    seen: dict[bytes, str] = {}
    for where, party in nodes.items():
        if party.key is None:
            continue
        first = seen.setdefault(party.key.verify_key.raw, where)
        if first != where:
            at.problem(
                "keys",
                f"{first} and {where} have the same key",
                "give each node its own key, and roster entry",
            )


def _check_endorser(folder: Path, server: Party | None, at: Examination) -> None:
    path = folder / f"{ENDORSER}.pem"
    parts: Iterable[bool] = (path.exists(), server is not None, (folder / "nodes").is_dir())
    if sum(parts) > 1:
        told = "keys of several parties are on this machine: whoever has it is all of them"
        at.warn(
            "keys", told, "fit for simulation and trials; else each party's folder stays on its own machine"
        )
    if not path.exists() or not check_private(path, at):
        return
    key = at.attempt(
        path.name, "copy the right one here, in PEM without a password", lambda: SigningKey.load(path)
    )
    if key is None or server is None or server.trust is None:
        return
    if key.verify_key in server.trust.endorsers.values():
        at.ok(path.name, "an endorser whom the trust file names")
    else:
        at.problem(
            path.name, "no endorser whom the trust file names", "put its public half into the trust files"
        )
