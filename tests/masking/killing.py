"""A program that kills a masked round again and again: `python -m tests.masking.killing exchanges|uploads|blame FOLDER`. It forks a process
for each try, so it computes nothing itself: threads do not survive a fork."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from fedproof.encoding import files
from fedproof.errors import Malformed
from fedproof.identity import at_rest
from fedproof.identity.signed import Signed, peek
from fedproof.log import tiles
from fedproof.round import counter as counter_module
from fedproof.round import place as place_module
from fedproof.round import store as store_module
from fedproof.round.masked_messages import Acknowledgement, MaskedUpload, UnmaskAnswer
from tests.masking.folders import Folders, sum_of, weight
from tests.masking.world import ALL, chain, key_of, policy

HELD = policy(colluders=0, silent=2)
OUT, LATE = ALL[5], ALL[4]
SILENT = {OUT: ["upload"], LATE: ["unmask-request"]}
"""One never uploads, one falls silent after the agreement: all exchanges of an honest round take place."""


CHEAT = ALL[3]
"""With it a round goes on to fingerprints and repair; its nodes have counters."""


def folders(root: Path, blame: bool) -> Folders:
    if blame:
        return Folders(root, policy(), 7, cheats=[CHEAT], counted=True)
    return Folders(root, HELD, 6, SILENT)


def checked(world: Folders) -> None:
    """The one round on record is the sum of all that count, and everybody holds it."""
    names = [n for n in world.names if n not in world.cheats and not world.gone(n, "upload")]
    with world.aggregator() as server:
        assert len(server.entries()) == 1
        moved = server.chain.W
        after = chain(world.held).advance(b"", 0, sum_of(*names), sum(map(weight, names)))
        assert (moved == after.W).all()
    for name in world.names:
        with world.node(name) as node:
            assert (moved == node.client.chain.W).all()
            assert not node.client.attempts
        files = {path.name for path in (world.root / name).iterdir()}
        assert files == {"answers.sealed", "audit.jsonl", "lock", "state.cbor"}


def said_once(said: str) -> None:
    """All uploads of a client are one, and it opened one set."""
    uploads: dict[str, set[str]] = {}
    sets: dict[str, set[bytes]] = {}
    for line in said.splitlines():
        name, what, data = line.split()
        if what == "upload":
            upload = MaskedUpload.from_bytes(bytes.fromhex(data))
            uploads.setdefault(name, set()).add(upload.header.digest().hex())
            continue
        signed = agreed(bytes.fromhex(data))
        if signed is not None:
            acknowledged = signed.open(Acknowledgement, key_of(name).verify_key)
            sets.setdefault(name, set()).add(acknowledged.accepted)
    assert all(len(found) == 1 for found in uploads.values())
    assert len(set.union(*sets.values())) == 1
    assert all(len(found) == 1 for found in sets.values())


def agreed(answer: bytes) -> Signed | None:
    """The acknowledgement in an answer, where it is one or holds one."""
    try:
        return UnmaskAnswer.from_bytes(answer).acknowledgement
    except Malformed:
        pass
    try:
        signed = Signed.from_bytes(answer)
    except Malformed:
        return None
    return signed if peek(signed)["kind"] == Acknowledgement.KIND else None


def counting_operations(monkeypatch: pytest.MonkeyPatch, each: Callable[[Path], None]) -> None:
    """each: called before every durable operation."""
    write, unlink = files.write_atomic, Path.unlink

    def noted_write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        each(path)
        write(path, data, mode=mode)

    def noted_unlink(path: Path, missing_ok: bool = False) -> None:
        each(path)
        unlink(path, missing_ok=missing_ok)

    for module in (store_module, place_module, at_rest, counter_module, tiles):
        monkeypatch.setattr(module, "write_atomic", noted_write)
    monkeypatch.setattr(Path, "unlink", noted_unlink)


def in_process(act: Callable[..., None], *arguments: object) -> int:
    """Exit code of a process of its own; below zero the signal that killed it."""
    child = os.fork()
    if child == 0:
        done = 1
        try:
            act(*arguments)
            done = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(done)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_until(at: int, root: Path, said: Path, blame: bool) -> None:
    """From wherever it stands; killed by SIGKILL before a durable operation of the `at`-th kind in the folder of the aggregator or of one
    client: the others do alike. 0: to the end, and then what came of it is checked."""
    world, kinds = folders(root, blame), set[tuple[str, str, int]]()
    exchange = 0

    def each(path: Path) -> None:
        nonlocal exchange
        party = next((p for p in path.parts if p in ("aggregator", ALL[0], f"{ALL[0]}.counter")), None)
        exchange += path.name.endswith("-asked")
        if party is not None:
            kinds.add((party, re.sub(r"[0-9a-f]{6,}", "", path.name), exchange))
            if len(kinds) == at:
                os.kill(os.getpid(), signal.SIGKILL)

    def left(what: str) -> None:
        with said.open("a") as file:
            file.write(what + "\n")

    with pytest.MonkeyPatch.context() as patch:
        counting_operations(patch, each)
        world.run(left)
    if not at:
        checked(world)
        said_once(said.read_text())


def upload_all(root: Path, blame: bool) -> None:
    world = folders(root, blame)
    with world.aggregator() as server:
        world.uploads(server)


def every_kill(
    tmp_path: Path, start: Path | None, first: int, step: int, *, blame: bool = False
) -> Iterator[int]:
    """Kills in what is left from `start`, and goes on in another process."""
    for at in count(first, step):
        root, said = tmp_path / f"killed-{at}", tmp_path / f"said-{at}"
        if start is not None:
            shutil.copytree(start, root)
        died = in_process(run_until, at, root, said, blame)
        assert died in (0, -signal.SIGKILL)
        assert in_process(run_until, 0, root, said, blame) == 0
        shutil.rmtree(root)
        yield at
        if not died:
            return


def main(what: str, folder: Path) -> None:
    """Prints how many kills it survived."""
    if what == "uploads":
        kills = list(islice(every_kill(folder, None, 2, 2), 5))
    else:
        start, blame = folder / "start", what == "blame"
        assert in_process(upload_all, start, blame) == 0
        kills = list(every_kill(folder, start, 1, 6 if blame else 1, blame=blame))
    print(len(kills))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
