"""The aggregator of a masked round shows clients different sets, so that together they open all masks on one client's update."""

import time

import numpy as np
from _federation import Federation, attack

from fedproof.encoding.digest import sha256
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import sign
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.masked_messages import AcceptedSet
from fedproof.round.server import Server

NAMES = tuple(f"client-{n}" for n in range(9))
POLICY = """
version = 1
federation = "attacks"
base_model = "sha256:{base}"
[update]
scale = 12
max_abs = 4095
max_norm = 8191
[masking]
enabled = true
min_set = 3
"""


def run(_: Federation) -> None:
    now, arrays = int(time.time()), {"weight": np.zeros(120, np.float32)}
    base = serialise(arrays, Layout.of_arrays(arrays))
    keys, key = {n: SigningKey.generate() for n in NAMES}, SigningKey.generate()
    members = tuple(Member(client=n, key=keys[n].verify_key.raw) for n in NAMES)
    roster = Roster(version=1, federation="attacks", endorser="board", previous=None, members=members)
    digest = endorse(roster, SigningKey.generate()).digest()
    start = Chain.start(Policy.parse(POLICY.format(base=sha256(base).hex())), base)
    clients = {n: Client(n, keys[n], key.verify_key, roster, digest, start) for n in NAMES}
    server = Server(key, start, roster, digest)
    announcement = server.announce([c.ready(1) for c in clients.values()], now=now)
    for client in clients.values():
        x = np.random.default_rng().integers(-200, 201, size=120)
        server.receive(client.upload(announcement, x, now=now).to_bytes())

    everybody = server.unmask().accepted.open(AcceptedSet, key.verify_key)
    victim, near = NAMES[0], NAMES[1:3]

    def only(*names: str) -> AcceptedSet:
        headers = tuple(h for h in everybody.headers if h.client in names)
        return everybody.model_copy(update={"headers": headers})

    shown = dict.fromkeys(NAMES, everybody)  # these give shares of the victim's own mask
    shown |= dict.fromkeys(near, only(*NAMES[1:]))  # these open their mask with the victim
    shown[victim] = only(victim, *near)  # the victim opens its masks with all others
    for name, client in clients.items():
        client.acknowledge(server.session, sign(shown[name], key))
    raise SystemExit("everybody agreed to the set that it was shown")


attack("masks of one update opened by showing different sets", run)
