"""A federation of your own in one file: three clients, two rounds, a certificate. Run: `python examples/federation.py DIR`, then
`fedproof verify DIR/bundle --model DIR/model.safetensors --policy DIR/policy.toml --trust DIR/trust.toml`.

In real life each part runs where its key lives, and the signed messages travel between them; here they are passed by hand.
"""

import sys
from pathlib import Path

import numpy as np

import fedproof
from fedproof.encoding.digest import sha256
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.trust import Trust
from fedproof.model.layout import Layout
from fedproof.model.tensors import serialise
from fedproof.policy.policy import Policy
from fedproof.provenance import Producer, release
from fedproof.round.aggregator import Aggregator
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.node import Node

if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    print("usage: python examples/federation.py DIR", file=sys.stderr)
    sys.exit(2)
out = Path(sys.argv[1])
try:
    out.mkdir(parents=True)
except OSError as error:
    print(f"{out}: {error.strerror}; DIR is made here, name a new folder", file=sys.stderr)
    sys.exit(2)

# 1. The base model: named float arrays, as one safetensors file.
arrays = {"weight": np.zeros((8, 3), np.float32), "bias": np.zeros(3, np.float32)}
base_file = serialise(arrays, Layout.of_arrays(arrays))  # bytes

# 2. The policy names it by its digest. Everybody holds a copy of this file.
(out / "policy.toml").write_text(f"""
version = 1
federation = "example"
base_model = "sha256:{sha256(base_file).hex()}"
[update]
scale = 14
max_abs = 32767
max_norm = 49152
weights = {{ source = "declared", max = 100 }}
[round]
rounds = 2
min_accepted = 2
""")
policy = Policy.load(out / "policy.toml")

# 3. Keys, and a roster signed by an endorser: on the command line, `fedproof keygen` and `fedproof endorse`.
keys = {name: SigningKey.generate() for name in ("ada", "bob", "cyd")}
endorser, message_key, envelope_key = SigningKey.generate(), SigningKey.generate(), EnvelopeKey.generate()
roster = Roster(
    version=1,
    federation="example",
    endorser="board",
    previous=None,
    members=tuple(Member(client=n, key=k.verify_key.raw) for n, k in sorted(keys.items())),
)
signed_roster = endorse(roster, endorser)
trust = Trust(message_key.verify_key, envelope_key.verify_key, {"board": endorser.verify_key})
trust.save(out / "trust.toml")

# 4. The aggregator and the clients, each with a state folder of its own: all of them may be killed at any time.
aggregator = Aggregator(out / "aggregator", message_key, policy, signed_roster, trust.endorsers, base_file)
nodes = {
    name: Node(
        out / name,
        Client(
            name, key, message_key.verify_key, roster, signed_roster.digest(), Chain.start(policy, base_file)
        ),
    )
    for name, key in keys.items()
}

# 5. Rounds. Training is yours; here it is a random step.
for number in range(2):
    announcement = aggregator.announce([node.ready(10) for node in nodes.values()])
    for seed, node in enumerate(nodes.values()):
        chain = node.client.chain
        rng = np.random.default_rng([number, seed])
        weights = chain.arrays()
        trained = {name: w + rng.normal(size=w.shape).astype(w.dtype) / 10 for name, w in weights.items()}
        upload = node.upload(announcement, node.client.update(trained))  # quantise, clip, commit, prove, sign
        verdict = node.verdict(aggregator.receive(upload.to_bytes()))
        print(f"round {number}, {verdict.client}: {'accepted' if verdict.accepted else verdict.reason}")
    closed = aggregator.close()  # sum, prove, record
    for node in nodes.values():
        node.adopt(closed.entry, aggregator.read)  # check everything, then move on

# 6. The model, its bundle and its certificate.
producer = Producer(package="example", version=fedproof.__version__)
release(aggregator, out, trust=trust, key=envelope_key, producer=producer)
print(f"certified: {out / 'bundle'}")
