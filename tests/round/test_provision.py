"""Folders of all parties: what `provision` makes is what `open_node` and `open_aggregator` open, and a folder that was meddled with opens
for nobody."""

import stat
from pathlib import Path

import numpy as np
import pytest

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey
from fedproof.round.folder import open_aggregator, open_node
from fedproof.round.provision import provision
from tests.round.world import BASE_FILE, POLICY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "federation"
    assert provision(made, policy=POLICY.encode(), base=BASE_FILE, nodes=3) == ("node-0", "node-1", "node-2")
    return made


def test_a_round_between_the_folders(folder: Path) -> None:
    nodes = [open_node(folder / "nodes" / str(k)) for k in range(3)]
    assert [node.client.name for node in nodes] == ["node-0", "node-1", "node-2"]
    with open_aggregator(folder / "server") as aggregator:
        announcement = aggregator.announce([node.ready(1) for node in nodes])
        x = np.ones(len(aggregator.chain.W), np.int64)
        for node in nodes:
            assert node.verdict(aggregator.receive(node.upload(announcement, x).to_bytes())).accepted
        entry = aggregator.close().entry
        for node in nodes:
            node.adopt(entry, aggregator.read)
            node.close()
    with open_node(folder / "nodes" / "1") as again:
        assert again.client.chain.round == 1


def test_keys_are_for_their_owner_alone(folder: Path) -> None:
    keys = sorted(folder.rglob("*.pem"))
    assert len(keys) == 3 + 2 + 1
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_nothing_is_overwritten(folder: Path) -> None:
    before = (folder / "endorser.pem").read_bytes()
    with pytest.raises(UsageError, match="exists; keys are never overwritten"):
        provision(folder, policy=POLICY.encode(), base=BASE_FILE, nodes=3)
    assert (folder / "endorser.pem").read_bytes() == before


@pytest.mark.parametrize("nodes", [0, -1, 10_001])
def test_a_number_of_nodes_that_is_none(tmp_path: Path, nodes: int) -> None:
    with pytest.raises(UsageError, match="nodes; 1 to"):
        provision(tmp_path / "new", policy=POLICY.encode(), base=BASE_FILE, nodes=nodes)
    assert not (tmp_path / "new").exists()


def test_fewer_nodes_than_a_masked_round_needs(tmp_path: Path) -> None:
    masked = f"{POLICY}\n[masking]\nenabled = true\n".encode()
    with pytest.raises(UsageError, match="6 nodes: a masked round of this policy needs 7"):
        provision(tmp_path / "few", policy=masked, base=BASE_FILE, nodes=6)
    assert len(provision(tmp_path / "enough", policy=masked, base=BASE_FILE, nodes=7)) == 7


def test_another_base_model(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not the one that the policy names"):
        provision(tmp_path / "new", policy=POLICY.encode(), base=BASE_FILE + b" ", nodes=3)
    assert not (tmp_path / "new").exists()


def test_a_policy_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        provision(tmp_path / "new", policy=b"version = 1", base=BASE_FILE, nodes=3)


def test_a_key_that_the_roster_does_not_list(folder: Path) -> None:
    key = folder / "nodes" / "0" / "key.pem"
    key.unlink()
    SigningKey.generate().save(key)
    with pytest.raises(Refused, match="lists no member with the key"):
        open_node(folder / "nodes" / "0")


def test_another_policy_than_the_trust_file_pins(folder: Path) -> None:
    for party in ("nodes/0", "server"):
        policy = folder / party / "policy.toml"
        policy.write_text(policy.read_text().replace("max_norm = ", "max_norm = 1"))
    with pytest.raises(Refused, match="the trust file pins"):
        open_node(folder / "nodes" / "0")
    with pytest.raises(Refused, match="the trust file pins"):
        open_aggregator(folder / "server")


def test_a_roster_that_nobody_trusted_endorsed(folder: Path, tmp_path: Path) -> None:
    provision(tmp_path / "other", policy=POLICY.encode(), base=BASE_FILE, nodes=3)
    foreign = (tmp_path / "other" / "server" / "roster.cbor").read_bytes()
    for party in ("nodes/0", "server"):
        (folder / party / "roster.cbor").write_bytes(foreign)
    with pytest.raises(Refused, match="roster"):
        open_node(folder / "nodes" / "0")
    with pytest.raises(Refused, match="roster"):
        open_aggregator(folder / "server")


def test_a_server_with_another_key(folder: Path) -> None:
    key = folder / "server" / "message.pem"
    key.unlink()
    SigningKey.generate().save(key)
    with pytest.raises(UsageError, match="message_key"):
        open_aggregator(folder / "server")


@pytest.mark.parametrize(
    "missing", ["policy.toml", "trust.toml", "roster.cbor", "base.safetensors", "key.pem"]
)
def test_a_file_that_is_missing_is_named(folder: Path, missing: str) -> None:
    (folder / "nodes" / "2" / missing).unlink()
    with pytest.raises((UsageError, OSError, Malformed), match=missing):
        open_node(folder / "nodes" / "2")
