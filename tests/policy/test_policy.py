"""The policy: one digest for one meaning, and nothing accepted that this version cannot do."""

import re
from pathlib import Path

import pytest

from fedproof.encoding import cbor
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.policy.aggregate import PARAMETERS
from fedproof.policy.masking import MODULI, Masking, MaskParameters, modulus
from fedproof.policy.parameters import check_sums, limb, shape
from fedproof.policy.policy import Policy

TEXT = f"""
version = 1
federation = "tests"
base_model = "sha256:{"ab" * 32}"
[update]
scale = 12
max_abs = 32767
max_norm = 181019
"""


def test_defaults_are_part_of_the_digest() -> None:
    plain = Policy.parse(TEXT)
    spelled = Policy.parse(
        TEXT + '[prove]\nupdate = "bounded"\n[aggregate]\nstrategy = "FedAvg"\n[round]\nmin_accepted = 2\n'
    )
    assert plain == spelled
    assert plain.digest() == spelled.digest()
    assert Policy.from_bytes(plain.to_bytes()) == plain


def test_tables_that_came_later_change_no_digest_where_they_ask_for_nothing() -> None:
    plain = Policy.parse(TEXT)
    for empty in ("[model]\n", "[model]\nfrozen = []\n"):
        assert Policy.parse(TEXT + empty).digest() == plain.digest()
    frozen = Policy.parse(TEXT + '[model]\nfrozen = ["backbone.*"]\n')
    assert frozen.digest() != plain.digest()
    assert Policy.from_bytes(frozen.to_bytes()) == frozen
    for held in (plain, frozen):
        fields = cbor.decode(held.to_bytes())
        assert isinstance(fields, dict)
        for spelled in ({"model": {"frozen": ()}}, {"masking": {"enabled": False, "min_set": 4}}):
            with pytest.raises(Malformed):
                Policy.from_bytes(cbor.encode({**fields, **spelled}))


def test_masks_change_a_digest_where_they_are_asked_for() -> None:
    plain, off = Policy.parse(TEXT), Policy.parse(TEXT + "[masking]\nenabled = false\n")
    assert plain.digest() == off.digest()
    masked = Policy.parse(TEXT + "[masking]\nenabled = true\n")
    spelled = Policy.parse(TEXT + "[masking]\nenabled = true\ncolluders = 1\nmax_clients = 100\n")
    assert plain.digest() != masked.digest() == spelled.digest()
    assert Policy.from_bytes(masked.to_bytes()) == masked


@pytest.mark.parametrize(
    ("colluders", "silent", "group"), [(0, 0, 2), (1, 1, 2), (1, 0, 2), (2, 1, 2), (1, 3, 4), (5, 5, 8)]
)
def test_every_inequality_of_masks_holds_from_the_smallest_round_on(
    colluders: int, silent: int, group: int
) -> None:
    masking = Masking(enabled=True, colluders=colluders, silent=silent, min_honest_group=group, min_set=7)
    enough = 3 * colluders + 2 * silent + max(group, 7 - colluders)
    enough += enough % 2
    for n in range(2, 60):
        k = n - 1 if n <= max(32, enough) else enough
        t = k - colluders - silent
        holds = 2 * t > k + colluders and t - 2 * colluders - silent + 1 >= group and n >= 7
        assert holds == (n >= masking.fewest)
        if holds:
            parameters = MaskParameters.of(masking, 1000, 1, n)
            assert (parameters.neighbours, parameters.threshold) == (k, t)
        else:
            with pytest.raises(ValueError, match=f"needs {masking.fewest}"):
                MaskParameters.of(masking, 1000, 1, n)
    with pytest.raises(ValueError, match="at most 100"):
        MaskParameters.of(masking, 1000, 1, 101)


def test_a_modulus_has_room_for_the_largest_sum_and_no_more() -> None:
    masking = Masking(enabled=True)
    for q, width in MODULI.items():
        largest = (q - 1) // 2 // 100  # of one client, of a hundred
        assert modulus(masking, largest, 1) == q
        assert 2 * largest * 100 < q <= 2 * (largest + 1) * 100
        assert q < 1 << 8 * width
    with pytest.raises(ValueError, match=r"lower weights\.max"):
        modulus(masking, 1 << 20, 1 << 32)
    above = (min(MODULI) - 1) // 2 // 100 + 1
    assert modulus(masking, above, 1) == sorted(MODULI)[1]


def with_optimiser(strategy: str, *lines: str) -> Policy:
    table = "".join(f"{line}\n" for line in lines)
    return Policy.parse(f'{TEXT}[aggregate]\nstrategy = "{strategy}"\n[aggregate.optimiser]\n{table}')


@pytest.mark.parametrize("strategy", PARAMETERS)
def test_an_optimiser_has_all_its_parameters(strategy: str) -> None:
    plain = Policy.parse(f'{TEXT}[aggregate]\nstrategy = "{strategy}"\n')
    spelled = with_optimiser(strategy, *(f'{n} = "{v}"' for n, v in PARAMETERS[strategy].items()))
    assert plain.digest() == with_optimiser(strategy).digest() == spelled.digest()
    assert Policy.from_bytes(plain.to_bytes()) == plain
    assert plain.aggregate.optimiser is not None
    held = {n: v for n, v in plain.aggregate.optimiser.model_dump().items() if v is not None}
    assert held == PARAMETERS[strategy]
    fields = cbor.decode(plain.to_bytes())
    assert isinstance(fields, dict)
    assert fields["aggregate"] == {"rule": "weighted-mean", "strategy": strategy, "optimiser": held}
    for name in held:
        for other in ({n: v for n, v in held.items() if n != name}, {**held, name: held[name] + ".0"}):
            fields["aggregate"] = {**fields["aggregate"], "optimiser": other}  # type: ignore[dict-item]
            with pytest.raises(Malformed):
                Policy.from_bytes(cbor.encode(fields))


def test_a_number_has_one_spelling() -> None:
    for name, one, other in (("eta", "0.10", "0.1"), ("eta", "2.000", "2"), ("beta_1", "0.0", "0")):
        assert with_optimiser("FedAdam", f'{name} = "{one}"') == with_optimiser(
            "FedAdam", f'{name} = "{other}"'
        )
    assert with_optimiser("FedAdam", 'eta = "100"').aggregate.optimiser.eta == "100"  # type: ignore[union-attr]
    assert with_optimiser("FedAdam", 'eta = "0.10"').digest() == with_optimiser("FedAdam").digest()


@pytest.mark.parametrize(
    ("strategy", "line", "said"),
    [
        ("FedAdam", "eta = 0.1", "in quotes"),
        ("FedAdam", 'eta = "0"', "eta is above zero"),
        ("FedAdam", 'eta = "-1"', "aggregate.optimiser.eta"),
        ("FedAdam", 'eta = "1e-3"', "aggregate.optimiser.eta"),
        ("FedAdam", 'eta = "0.0000000000001"', "aggregate.optimiser.eta"),
        ("FedAdam", 'tau = "0.0"', "tau is above zero"),
        ("FedAdam", 'beta_1 = "1.0"', "beta_1 is below one"),
        ("FedYogi", 'beta_2 = "2"', "beta_2 is below one"),
        ("FedAvgM", 'server_momentum = "1"', "server_momentum is below one"),
        ("FedAvgM", 'server_learning_rate = "0.0"', "server_learning_rate is above zero"),
        ("FedAvgM", 'eta = "1"', "FedAvgM has no eta; it has server_learning_rate, server_momentum"),
        ("FedAdagrad", 'beta_1 = "0"', "FedAdagrad has no beta_1"),
        ("FedAdam", 'eta_l = "0.1"', "aggregate.optimiser.eta_l: no such field"),
        ("FedAvg", "", "FedAvg has no optimiser"),
        ("FedProx", 'eta = "1"', "FedProx has no optimiser"),
        ("Krum", "", "Krum is not supported"),
    ],
)
def test_optimisers_that_are_none(strategy: str, line: str, said: str) -> None:
    with pytest.raises(Malformed, match=re.escape(said)):
        with_optimiser(strategy, line)


def test_the_digest_of_a_known_policy_never_changes() -> None:
    """Defaults and encoding of version 1 are fixed: every certificate made under it depends on that."""
    assert (
        Policy.parse(TEXT).digest().hex()
        == "3fc517cacfa83fbdc3b9f94ba9a444129305de0af3ea4e65db7433eeb5fbc0e0"
    )


@pytest.mark.parametrize(
    "change", ["scale = 13", "max_abs = 32766", "max_norm = 181018", 'federation = "test"']
)
def test_every_demand_changes_the_digest(change: str) -> None:
    name = change.split(" =")[0]
    text = "\n".join(change if line.startswith(f"{name} =") else line for line in TEXT.splitlines())
    assert Policy.parse(text).digest() != Policy.parse(TEXT).digest()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1", "version = 2", "version"),
        ("scale = 12", "scale = 12.0", "scale"),
        ("scale = 12", "scale = -1", "scale"),
        ("scale = 12", "scale = 25", "scale"),
        ("scale = 12", "scale = true", "scale"),
        ("max_abs = 32767", "max_abs = 32768", "max_abs"),
        ("max_abs = 32767", "max_abs = 0", "max_abs"),
        ("max_norm = 181019", "max_norm = 0", "max_norm"),
        ("max_norm = 181019", "", "max_norm"),
        ("sha256:ab", "sha1:ab", "base_model"),
        ("sha256:ab", "sha256:AB", "base_model"),
        ('"tests"', '"Tests"', "federation"),
        ("version = 1", "version = 1\nlearning_rate = 1", "learning_rate"),
        ("version = 1", 'version = 1\nsuites = ["rot13"]', "rot13"),
        ("version = 1", "version = 1\nsuites = []", "suites"),
        ("version = 1", 'version = 1\nsuites = ["bn254-keccak-ed25519-v1"]', "100 bits"),
        (
            "version = 1",
            'version = 1\nsuites = ["pallas-keccak-ed25519-v1", "pallas-keccak-ed25519-v1"]',
            "twice",
        ),
        ("[update]", '[aggregate]\nstrategy = "Krum"\n[update]', "Krum is not supported: it chooses"),
        ("[update]", '[aggregate]\nstrategy = "FedMedian"\n[update]', "that is not a weighted mean"),
        ("[update]", '[aggregate]\nstrategy = "FedBest"\n[update]', "aggregate.strategy"),
        ("[update]", "[aggregate]\nstrategy = 1\n[update]", "aggregate.strategy"),
        ("[update]", "[masking]\nmin_set = 5\n[update]", "enabled = true is missing"),
        (
            "[update]",
            "[masking]\nenabled = true\nmin_set = 2\n[update]",
            "min_set is 2, and has to be above colluders + 1, 2: ",
        ),
        ("[update]", "[masking]\nenabled = true\nmin_set = 101\n[update]", "min_set is above max_clients"),
        (
            "[update]",
            "[masking]\nenabled = true\n[round]\nmin_accepted = 101\n[update]",
            "min_accepted is above masking.max_clients",
        ),
        ("[update]", "[masking]\nenabled = true\nmax_clients = 6\n[update]", "1 silent need 7 participants"),
        (
            "[update]",
            '[masking]\nenabled = true\n[prove]\nupdate = "opening"\n[update]',
            "without bounds a sum could wrap",
        ),
        (
            "max_norm = 181019",
            "max_norm = 181019\nweights = { max = 4294967296 }\n[masking]\nenabled = true",
            "lower weights.max or max_clients",
        ),
        ("[update]", '[prove]\ntraining = "steps"\n[update]', "training"),
        ("[update]", "[round]\nmin_accepted = 0\n[update]", "min_accepted"),
        ("[update]", '[model]\nfrozen = "backbone.*"\n[update]', "model.frozen"),
        ("[update]", '[model]\nfrozen = [""]\n[update]', "model.frozen"),
        ("[update]", '[model]\ntrained = ["head.*"]\n[update]', "model.trained: no such field"),
        ("scale = 12", "scale = ", "TOML"),
        ("scale = 12", "scael = 12", "update.scael: no such field; missing beside it: scale"),
    ],
)
def test_policies_that_are_none(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TEXT
    (tmp_path / "policy.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(UsageError) as error:
        Policy.load(tmp_path / "policy.toml")
    assert said in str(error.value)


def test_a_weak_suite_only_by_name() -> None:
    text = TEXT.replace(
        "version = 1", 'version = 1\nallow_below_112_bits = true\nsuites = ["bn254-keccak-ed25519-v1"]'
    )
    assert Policy.parse(text).suites == ("bn254-keccak-ed25519-v1",)


def test_bytes_that_are_no_policy() -> None:
    data = Policy.parse(TEXT).to_bytes()
    for bad in (data[:-1], data + b"\0", b"", data.replace(b"policy", b"police")):
        with pytest.raises(Malformed):
            Policy.from_bytes(bad)


@pytest.mark.parametrize(
    ("d", "columns"),
    [
        (1, 128),
        (1000, 128),
        (1 << 12, 128),
        ((1 << 12) + 1, 256),
        (1 << 14, 256),
        (100_000, 1024),
        (1 << 17, 1024),
        (1 << 20, 2048),
        (10**7, 4096),
        (1 << 28, 4096),
    ],
)
def test_shapes(d: int, columns: int) -> None:
    assert (shape(d).columns, shape(d).rows) == (columns, -(-d // columns))


@pytest.mark.parametrize("d", [0, -1, (1 << 28) + 1])
def test_shapes_that_are_none(d: int) -> None:
    with pytest.raises(Refused):
        shape(d)


def test_limbs() -> None:
    assert [
        limb(1 << 18, 32767),
        limb(1000, 255),
        limb(1000, 32767),
        limb(1000, 256),
        limb((1 << 18) - 1, 32767),
    ] == [0, 0, 256, 32, 256]


def test_sums_that_could_overflow() -> None:
    text = TEXT + f"weights = {{ max = {1 << 32} }}\n"
    check_sums(Policy.parse(text), 1 << 13)
    with pytest.raises(Refused):
        check_sums(Policy.parse(text), 1 << 14)
