"""A masked round in one process, without a network: what masks cost a client beside its proof, and the server for each client.
RAYON_NUM_THREADS=1 in front gives one core.

    python -m benchmarks.masked.round --clients 21 --parameters 1000000 --colluders 2 --silent 6
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.masked.secagg_plus import secagg_plus
from fedproof.demo.masks import lies, masks_another
from fedproof.encoding.digest import sha256
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.model.base import save_base
from fedproof.policy.policy import Policy
from fedproof.proofs import commit, update
from fedproof.round import client as client_module
from fedproof.round.blame_messages import FingerprintRequest
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.exchanges import Exchanges
from fedproof.round.masked_messages import MaskedUpload
from fedproof.round.messages import Announcement
from fedproof.round.requests import answer
from fedproof.round.rules import context
from fedproof.round.server import Server
from fedproof.round.store import Store

POLICY = """
version = 1
federation = "benchmark"
base_model = "sha256:{base}"
[update]
scale = 14
max_abs = 32767
max_norm = 1048576
weights = {{ source = "declared", max = 100 }}
[masking]
enabled = true
colluders = {colluders}
silent = {silent}
min_set = {min_set}
max_clients = {clients}
"""


class Watch:
    """seconds: by what was done, each time."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds.setdefault(what, []).append(time.perf_counter() - start)

    def each(self, *what: str) -> float:
        """The median of one, added up over these."""
        return sum(median(self.seconds[w]) for w in what if w in self.seconds)

    def all(self, *what: str) -> float:
        """All of it."""
        return sum(sum(self.seconds.get(w, ())) for w in what)


def run(options: argparse.Namespace, scratch: Path) -> dict[str, object]:
    """A round with clients that never upload, that fall silent, and at most one cheat."""
    watch, rng = Watch(), np.random.default_rng(1)
    Announcement.from_bytes = read_announcement  # type: ignore[method-assign,assignment]
    base = save_base(scratch / "base.safetensors", {"0": np.zeros(options.parameters, np.float32)})
    policy = Policy.parse(
        POLICY.format(
            base=sha256(base).hex(),
            colluders=options.colluders,
            silent=options.silent,
            clients=options.clients,
            min_set=options.colluders + 2,
        )
    )
    names = [f"client-{n:04}" for n in range(options.clients)]
    keys = {name: SigningKey.generate() for name in names}
    members = tuple(Member(client=name, key=keys[name].verify_key.raw) for name in names)
    roster = Roster(version=1, federation="benchmark", endorser="board", previous=None, members=members)
    digest, aggregator = endorse(roster, SigningKey.generate()).digest(), SigningKey.generate()
    chain = Chain.start(policy, base)
    clients = {n: Client(n, keys[n], aggregator.verify_key, roster, digest, chain) for n in names}
    store = Store(scratch / "state")
    server = Server(aggregator, chain, roster, digest, blobs=store.waiting(), masked=store.uploads)
    now = int(time.time())
    readies = []
    for client in clients.values():
        with watch("ready"):
            readies.append(client.ready(1 + len(readies) % 100))
    with watch("announce"):
        announcement = server.announce(readies, now=now)
    gone = set(names[: options.vanish])
    quiet = set(names[options.vanish : options.vanish + options.quiet])
    cheat = names[-1] if options.cheat else ""
    size = uploaded = 0
    true = np.zeros(options.parameters, np.int64)
    for n, name in enumerate(names):
        client = clients[name]
        x = rng.integers(-1000, 1001, options.parameters, dtype=np.int64)
        x = np.where(rng.random(options.parameters) < 0.5, x, 0)
        if name in gone:
            continue
        if name != cheat:
            true += (1 + n % 100) * x
        checks = n % options.each == 0
        if checks:
            read_announcement.cache_clear()  # read, too
        with watch("check announcement") if checks else _unchecked():
            opened = client.check(announcement, now=now)
        ctx = context(opened, server.session, name)
        with watch("proof"):
            commitment, opening = commit(chain.suite, x)
            update.prove(policy, ctx, commitment, opening)
        masker = client.masker_of(server.session)
        if name == cheat:
            masks_another(masker)
        honest = masker.apply

        def timed(*arguments: object, honest=honest):  # type: ignore[no-untyped-def]
            with watch("mask"):
                return honest(*arguments)

        masker.apply = timed  # type: ignore[method-assign]
        with nullcontext() if checks else _unchecked():
            upload = client.upload(announcement, x, now=now)
        assert isinstance(upload, MaskedUpload)
        data = upload.to_bytes()
        size, uploaded = len(data), uploaded + len(data)
        masker.made = (
            masker.made if options.cheat else None
        )  # as on a client's own machine, not all in this one
        with watch("receive"):
            server.receive(data)
            store.put(n, "upload", data)
    k = masker.joined().parameters.neighbours
    exchanges, answers, largest = Exchanges(server), 0, 0
    blame = ""
    while True:
        start = time.perf_counter()
        asked = exchanges.next()
        first = next(iter(asked.values()), [None])[0]
        if isinstance(first, FingerprintRequest):
            blame = " (blame)"  # that the sum does not open is found by this
        watch.seconds.setdefault("next" + blame, []).append(time.perf_counter() - start)
        if not asked:
            break
        for name in asked:
            with watch("request" + blame):
                requests = asked[name]
            for request in requests:
                if name in quiet:
                    continue
                with watch(f"answer {request.KIND}"):
                    told = lies(clients[name], request) if name == cheat else answer(clients[name], request)
                answers += len(told)
                largest = max(largest, len(request.to_bytes())) if name == names[-2] else largest
                with watch("take" + blame):
                    exchanges.answer(name, told)
    with watch("close" + blame):
        closed = server.close(now=now)
    assert not closed.result.void
    weights = sum(1 + names.index(a.client) % 100 for a in closed.result.accepted)
    assert closed.chain.state == chain.advance(b"", now, true, weights).state
    n = len(closed.result.accepted)
    proof = watch.each("proof")
    masks = watch.each("mask", "answer agree-request", "answer unmask-request")
    server_all = watch.all("next", "request", "take", "close")
    return {
        "clients": options.clients,
        "parameters": options.parameters,
        "neighbours": k,
        "accepted": n,
        "dropped": len(gone),
        "silent": len(quiet),
        "named": sum(d.kind == "named" for d in closed.result.dropped),
        "client_s": {
            "ready": watch.each("ready"),
            "check announcement": watch.each("check announcement"),
            "commit and prove (R1)": proof,
            "mask and share": watch.each("mask"),
            "agree": watch.each("answer agree-request"),
            "open": watch.each("answer unmask-request"),
        },
        "client_masks_over_proof": masks / proof,
        "server_s": {
            "announce": watch.all("announce"),
            "verify uploads": watch.all("receive"),
            "unmask": server_all,
            "unmask, each client": server_all / n,
            "identify and repair": watch.all(
                *(part + " (blame)" for part in ("next", "request", "take", "close"))
            ),
        },
        "bytes": {
            "upload": size,
            "upload, each coordinate": size / options.parameters,
            "masked part, each coordinate": masker.joined().parameters.width,
            "answers, each client": answers / n,
            "largest request": largest,
        },
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


read_announcement = lru_cache(maxsize=1)(Announcement.from_bytes)
"""One object for all clients of this process; elsewhere each has its own, of some kilobytes for each participant."""


@contextmanager
def _unchecked() -> Iterator[None]:
    """The announcement is another client's, which checked it."""
    check = client_module.check_announcement
    client_module.check_announcement = lambda *_: None  # type: ignore[assignment]
    try:
        yield
    finally:
        client_module.check_announcement = check


def main() -> None:
    """Prints one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=21)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--colluders", type=int, default=2)
    parser.add_argument("--silent", type=int, default=6)
    parser.add_argument("--vanish", type=int, default=0, help="clients that never upload")
    parser.add_argument("--quiet", type=int, default=0, help="clients that fall silent after the agreement")
    parser.add_argument(
        "--cheat", action="store_true", help="the last one masks another update than it proved"
    )
    parser.add_argument("--each", type=int, default=1, help="only every n-th client checks the announcement")
    parser.add_argument("--secagg-plus", action="store_true", help="Flower's SecAgg+ at the same size, too")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fedproof-benchmark-") as scratch:
        told = run(options, Path(scratch))
    if options.secagg_plus:
        told["secagg_plus"] = secagg_plus(options.clients, options.parameters, int(str(told["neighbours"])))
    text = json.dumps(told, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
