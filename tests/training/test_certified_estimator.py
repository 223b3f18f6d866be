"""The classifier on certified data: what it leaves verifies as a bundle, and it trains on nothing but what was certified."""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fedproof.data.certificate import RevocationList, RevokedRecords
from fedproof.data.table import Table
from fedproof.encoding.files import write_atomic
from fedproof.errors import FedproofError, Malformed, Refused, UsageError
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.signed import sign
from fedproof.provenance.training import verify_training
from fedproof.provenance.training_release import release
from fedproof.training.estimator import OptimumClassifier
from tests.cli.command import fedproof
from tests.provenance.head import POLICY, Certified, World, table


@dataclass
class Office:
    """A certified folder, a policy of each kind of weights, and a trust file."""

    world: World
    data: Table
    one: Certified

    def place(self, name: str) -> Path:
        return self.world.folder / name

    def estimator(self, asked: str = "public.toml", **changes: Any) -> Any:
        made = OptimumClassifier.certified(self.one.folder, self.place(asked), self.place("trust.toml"))
        return made.set_params(**changes)

    @property
    def X(self) -> Any:  # noqa: N802 # scikit-learn's name
        return self.data.values.copy()

    @property
    def y(self) -> Any:
        return np.array(self.data.labels)


def opened(folder: Path, data: Table) -> Office:
    now = int(time.time())
    world = World(folder)
    for weights in ("public", "committed"):
        (folder / f"{weights}.toml").write_text(POLICY.replace("WEIGHTS", weights))
    world.trust.save(folder / "trust.toml")
    return Office(world, data, world.certify(data, issued=now - 60, expires=now + 3600))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return opened(tmp_path_factory.mktemp("office"), table())


@pytest.mark.parametrize("weights", ["public", "committed"])
def test_what_it_leaves_is_a_bundle_that_verifies(office: Office, tmp_path: Path, weights: str) -> None:
    head = office.estimator(f"{weights}.toml").fit(office.X, office.y)
    assert head.proof_ == head.trained_.proof
    assert list(head.classes_) == list(office.one.data.certificate.classes)
    assert head.score(office.X, office.y) > 0.95
    release(tmp_path / "head", head.sources_, head.trained_, office.world.envelope)
    mode = (tmp_path / "head" / "model.safetensors").stat().st_mode & 0o777
    assert mode == (0o600 if weights == "committed" else 0o644)
    own = [f"--policy={office.place(f'{weights}.toml')}", f"--trust={office.place('trust.toml')}"]
    ran = fedproof("verify", tmp_path / "head/bundle", f"--model={tmp_path / 'head/model.safetensors'}", *own)
    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["VERIFIED"]), ran.stderr


def test_it_is_the_head_that_the_estimator_finds_by_itself(office: Office) -> None:
    """The certificate's quantisation is that of the same table; so the integers are the same."""
    proved = office.estimator().fit(office.X, office.y)
    plain = OptimumClassifier("squared hinge", 4096, 24, "0.001").fit(office.X, office.y)
    assert np.array_equal(proved.weights_, plain.weights_)
    assert np.array_equal(proved.decision_function(office.X), plain.decision_function(office.X))
    assert not hasattr(plain, "proof_")


def test_without_a_table_it_reads_the_data_set(office: Office) -> None:
    head = office.estimator().fit()
    assert (head.n_features_in_, list(head.feature_names_in_)) == (30, list(office.data.features))
    assert np.array_equal(head.weights_, office.estimator().fit(office.X, office.y).weights_)


def test_a_clone_and_a_pickle(office: Office) -> None:
    head = clone(office.estimator()).fit(office.X, office.y)
    again = pickle.loads(pickle.dumps(head))  # our own
    assert again.proof_ == head.proof_
    assert (again.predict(office.X) == head.predict(office.X)).all()


def test_labels_are_spelt_as_in_y(tmp_path: Path) -> None:
    """Certified as texts, which are sorted as texts: 10 stands before 2. One class has no record left."""
    data = table(0, 60)
    numbers = [2 if label == "benign" else 10 for label in data.labels[:-1]] + [7]
    few = opened(tmp_path, replace(data, labels=tuple(map(str, numbers))))
    gone = RevokedRecords(serial=few.one.data.certificate.serial, indices=(59,))
    listed = RevocationList(
        authority="ministry", number=1, issued=int(time.time()), serials=(), records=(gone,)
    )
    write_atomic(tmp_path / "list.cbor", sign(listed, few.world.authority).to_bytes())
    head = few.estimator(revocations=[tmp_path / "list.cbor"]).fit(few.X[:59], np.array(numbers[:59]))
    assert head.classes_.tolist() == [10, 2, 7]
    assert head.score(few.X[:59], numbers[:59]) > 0.95
    assert head.sources_.revocations.keys() == {"ministry"}
    release(tmp_path / "head", head.sources_, head.trained_, few.world.envelope)
    report = verify_training(
        tmp_path / "head/bundle",
        model=tmp_path / "head/model.safetensors",
        policy=head.sources_.policy,
        trust=few.world.trust,
    )
    assert (report.claims[0].records, report.revocations[0].newest) == ("59/60", (1, listed.issued))
    with pytest.raises(Refused, match="X has 60 records; 59 are certified and in use"):
        head.fit(few.X, np.array(numbers))
    assert not hasattr(head, "proof_")  # nor that of the fit before


# -- other data than was certified ---------------------------------------------------------------------------------------------


def swapped(X: Any, y: Any) -> None:
    X[[3, 4]] = X[[4, 3]]


@pytest.mark.parametrize(
    ("change", "stage", "said"),
    [
        (
            lambda X, y: X.__setitem__((5, 2), X[5, 2] + 20),
            "statement",
            "record 5 has another mean perimeter in X",
        ),
        (swapped, "statement", "record 3 has another"),
        (
            lambda X, y: y.__setitem__(7, "benign"),
            "statement",
            "record 7 is benign in y; malignant was certified",
        ),
        (lambda X, y: y.__setitem__(7, "unknown"), "statement", "record 7 is unknown in y"),
        (lambda X, y: (X[:-1], y[:-1]), "shape", "X has 119 records; 120 are certified and in use"),
        (lambda X, y: (np.vstack([X, X[:1]]), np.append(y, y[0])), "shape", "X has 121 records"),
        (lambda X, y: (X[:, :-1], y), "shape", "X has 29 columns; 30 are certified"),
        (lambda X, y: (X, np.where(y == "benign", "malignant", "benign")), "statement", "in y;"),
    ],
)
def test_another_table_is_refused_by_name(office: Office, change: Any, stage: str, said: str) -> None:
    X, y = office.X, office.y
    assert y[7] == "malignant"
    y = y.astype("<U12")
    X, y = change(X, y) or (X, y)
    with pytest.raises(Refused, match=said) as caught:
        office.estimator().fit(X, y)
    assert (caught.value.subject, caught.value.stage) == ("data set", stage)


def test_columns_of_other_names(office: Office) -> None:
    pandas = pytest.importorskip("pandas", reason="scikit-learn reads names from pandas's frames")
    frame = pandas.DataFrame(office.X, columns=[*office.data.features[:-1], "age"])
    with pytest.raises(Refused, match="column 29 of X is age; worst fractal dimension was certified"):
        office.estimator().fit(frame, office.y)


def test_folds_are_not_what_was_certified(office: Office) -> None:
    """A search trains on parts of the table; what is proved is trained on all of it."""
    search = GridSearchCV(office.estimator(), {"regularisation": [4096]}, cv=2, error_score="raise")
    with pytest.raises(Refused, match="X has 60 records; 120 are certified"):
        search.fit(office.X, office.y)


def test_rows_that_changed_since_they_were_certified(office: Office, tmp_path: Path) -> None:
    """One label flipped in the holder's own file."""
    few = opened(tmp_path, table(0, 60))
    path = few.one.folder / "holder" / "rows.npy"
    rows = np.load(path)
    rows[5, -2:] = 1 - rows[5, -2:]
    np.save(path, rows)
    with pytest.raises(Refused, match="rows or blinds are not those that were certified"):
        few.estimator().fit()


def test_an_authority_that_the_trust_file_does_not_name(office: Office, tmp_path: Path) -> None:
    trust = World(office.world.folder, authority=SigningKey.generate()).trust
    trust.save(tmp_path / "other.toml")
    with pytest.raises(Refused, match="data certificate refused"):
        office.estimator(trust=tmp_path / "other.toml").fit()


# -- parameters ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"regularisation": 1024},
            "regularisation is 1024 and the policy's is 4096: OptimumClassifier.certified",
        ),
        ({"loss": "ridge"}, "loss is 'ridge' and the policy's is 'squared hinge'"),
        ({"scale": 20}, "scale is 20 and the policy's is 24"),
        ({"max_logit_freedom": 0.01}, r"max_logit_freedom is 0\.01 and the policy's is '0\.001'"),
        ({"max_logit_freedom": "some"}, "max_logit_freedom is 'some'"),
        ({"policy": None}, "give both paths"),
        ({"trust": None}, "give both paths"),
        ({"data_set": None}, "policy, trust and revocations go with a data_set"),
    ],
)
def test_parameters_that_do_not_go_together(office: Office, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        office.estimator(**changes).fit(office.X, office.y)


def test_the_same_freedom_in_other_words(office: Office) -> None:
    assert office.estimator(max_logit_freedom="1/1000").fit().proof_


def test_one_of_x_and_y(office: Office) -> None:
    for estimator, arguments in (
        (office.estimator(), {"y": office.y}),
        (OptimumClassifier(), {}),
    ):
        with pytest.raises(UsageError, match="fit takes X and y"):
            estimator.fit(**arguments)
    with pytest.raises(ValueError, match="requires y"):
        office.estimator().fit(office.X)


def test_paths_that_lead_nowhere(office: Office, tmp_path: Path) -> None:
    (tmp_path / "list.cbor").write_bytes(b"none")
    for changes in ({"data_set": tmp_path}, {"revocations": [tmp_path / "list.cbor"]}):
        with pytest.raises(Malformed):
            office.estimator(**changes).fit()
    for changes in ({"policy": tmp_path / "none"}, {"trust": tmp_path / "none"}):
        with pytest.raises(FedproofError, match="none"):
            office.estimator(**changes).fit()


def test_a_release_with_another_key_or_over_something_writes_nothing(office: Office, tmp_path: Path) -> None:
    head = office.estimator().fit()
    with pytest.raises(Refused, match="certificate refused at trust"):
        release(tmp_path / "head", head.sources_, head.trained_, EnvelopeKey.generate())
    assert not (tmp_path / "head").exists()
    (tmp_path / "head").mkdir()
    with pytest.raises(UsageError, match="exists"):
        release(tmp_path / "head", head.sources_, head.trained_, office.world.envelope)


def test_a_release_of_a_forced_proof_is_not_signed(office: Office, tmp_path: Path) -> None:
    """One weight moved after the proof."""
    head = office.estimator("committed.toml").fit()
    weights = head.trained_.weights.copy()
    weights[0, 3] += 1 << 22
    with pytest.raises(Refused, match="the file is not the head that was committed to"):
        release(
            tmp_path / "head", head.sources_, replace(head.trained_, weights=weights), office.world.envelope
        )
    assert not (tmp_path / "head" / "bundle" / "certificate.dsse.json").exists()
