import copy
import json

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement as LibraryStatement
from in_toto_attestation.v1.statement_pb2 import Statement as Protobuf

from fedproof.errors import Malformed
from fedproof.provenance.claims import Claim
from fedproof.provenance.statement import (
    MAX_STATEMENT,
    File,
    Model,
    Predicate,
    Producer,
    Proofs,
    Resource,
    Rounds,
    Sha256,
    Statement,
    Subject,
    canonical_json,
)


def digest(number: int) -> Sha256:
    return Sha256.of(bytes([number]) * 32)


STATEMENT = Statement(
    subject=(Subject(digest=digest(1)),),
    predicate=Predicate(
        suite="pallas-keccak-ed25519-v1",
        bits="126",
        federation="breast-cancer-2026",
        policy=Resource(digest=digest(2)),
        roster=Resource(digest=digest(3)),
        base_model=Resource(digest=digest(4)),
        model=Model(
            files=(File(name=".", digest=digest(5)),), layout=digest(6), parameters="9007199254740993"
        ),
        model_commitment=digest(7).sha256,
        claims=(
            Claim(claim="AGGREGATE_EXACT", rounds="10/10", updates="68/70", weight="400/426"),
            Claim(
                claim="PARTICIPANTS_ENDORSED",
                rounds="10/10",
                updates="68/70",
                weight="400/426",
                distinct="7",
                endorsers=("ethics-board",),
            ),
        ),
        not_proven=("RUN_SELECTION",),
        rounds=Rounds(count="10", void="0", record_root=digest(8).sha256),
        proofs=Proofs(digest=digest(9)),
        producer=Producer(package="fedproof", version="0.1.0"),
    ),
)


def test_a_statement_is_read_back_as_it_was_written() -> None:
    data = STATEMENT.to_bytes()
    assert Statement.parse(data) == STATEMENT
    assert Statement.parse(data).to_bytes() == data


def test_its_names_are_in_totos() -> None:
    value = json.loads(STATEMENT.to_bytes())
    assert value["_type"] == "https://in-toto.io/Statement/v1"
    assert value["predicateType"] == "urn:x-fedproof:provenance:v1"
    assert value["predicate"]["notProven"] == ["RUN_SELECTION"]
    assert "distinct" not in value["predicate"]["claims"][0]


def test_the_in_toto_library_reads_it_and_loses_nothing() -> None:
    """Its protobuf turns numbers into floats; ours are strings, so that 2^53 + 1 survives."""
    data = STATEMENT.to_bytes()
    message = json_format.Parse(data, Protobuf())
    LibraryStatement.copy_from_pb(message).validate()
    assert json.loads(json_format.MessageToJson(message)) == json.loads(data)


def test_no_number_is_written_as_a_number() -> None:
    def walk(value: object) -> None:
        assert isinstance(value, str | list | dict), value
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(part)

    walk(json.loads(STATEMENT.to_bytes()))


def paths(value: object, at: tuple = ()) -> list[tuple]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *[path for key, part in below for path in paths(part, (*at, key))]]


ORIGINAL = json.loads(STATEMENT.to_bytes())


@pytest.mark.parametrize("path", [p for p in paths(ORIGINAL) if p], ids=lambda p: ".".join(map(str, p)))
@pytest.mark.parametrize("bad", [None, 7, 1.5, "", [], {}, "\x1b[2J VERIFIED"], ids=repr)
def test_every_field_has_its_type_and_form(path: tuple, bad: object) -> None:
    value = copy.deepcopy(ORIGINAL)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if bad == [] and path[-1] in ("claims", "notProven", "endorsers", "datasets"):
        return  # an empty list is well formed; the verifier compares the content
    if path[-1] == "name" and isinstance(bad, str) and bad:
        return  # file names are free; they are compared, and printed escaped
    parent[path[-1]] = bad
    with pytest.raises(Malformed) as error:
        Statement.parse(canonical_json(value))
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("path", [p for p in paths(ORIGINAL) if isinstance(p and p[-1], str) or not p])
def test_unknown_fields_are_refused_everywhere(path: tuple) -> None:
    value = copy.deepcopy(ORIGINAL)
    parent = value
    for key in path:
        parent = parent[key]
    if not isinstance(parent, dict):
        return
    parent["verified"] = "true"
    with pytest.raises(Malformed):
        Statement.parse(canonical_json(value))


@pytest.mark.parametrize(
    "other",
    [
        lambda d: d + b"\n",
        lambda d: d.replace(b":", b": ", 1),
        lambda d: d.replace(b'"10/10"', b'"10\\/10"', 1),
        lambda d: d.replace(b'"_type"', b'"_type":"x","_type"', 1),
        lambda d: json.dumps(json.loads(d)).encode(),
        lambda d: d.replace(
            b'"endorsers":["ethics-board"],', b'"distinct":null,"endorsers":["ethics-board"],'
        ),
    ],
)
def test_there_is_one_spelling(other) -> None:
    data = STATEMENT.to_bytes()
    assert other(data) != data
    with pytest.raises(Malformed):
        Statement.parse(other(data))


@given(st.binary(max_size=100))
def test_bytes_from_anywhere_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Statement.parse(data)


def test_deep_and_large_input_is_malformed() -> None:
    for data in (b"[" * 100_000, b'{"a":' * 100_000, b" " * (MAX_STATEMENT + 1)):
        with pytest.raises(Malformed):
            Statement.parse(data)
