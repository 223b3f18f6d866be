"""The classifier: scikit-learn's own checks, the relation to its solvers, accuracy, and input that is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from fedproof.data.quantise import BIAS
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.training.estimator import OptimumClassifier
from tests.training.world import real_data

DATA = ("breast cancer", "digits")


@parametrize_with_checks([OptimumClassifier(), OptimumClassifier("ridge")])  # type: ignore[untyped-decorator]
def test_scikit_learn_checks_it(estimator: Any, check: Callable[[Any], None]) -> None:
    """All of them, without an exception."""
    check(estimator)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("regularisation", [1 << 10, 1 << 16])
def test_it_is_what_liblinear_finds(name: str, regularisation: int) -> None:
    X, y = real_data(name)
    ours = OptimumClassifier("squared hinge", regularisation).fit(X, y)
    x = ours.quantisation_.apply(X) / BIAS
    theirs = LinearSVC(C=512 / regularisation, loss="squared_hinge", dual=False, tol=1e-9, max_iter=10000)
    theirs.fit(x, y)
    logits = ours.decision_function(X)
    assert np.abs(logits - theirs.decision_function(x)).max() < 2e-3
    assert (ours.predict(X) == theirs.predict(x)).mean() > 0.999


@pytest.mark.parametrize("name", DATA)
def test_ridge_is_ridge(name: str) -> None:
    X, y = real_data(name)
    ours = OptimumClassifier("ridge", 3000).fit(X, y)
    x = np.hstack([ours.quantisation_.apply(X) / BIAS, np.ones((len(X), 1))])
    wanted = 2.0 * (y[:, None] == ours.classes_) - 1
    theirs = Ridge(alpha=3000 / 1024, fit_intercept=False).fit(x, wanted)
    off = x @ (ours.weights_ / 2.0**24 - theirs.coef_).T
    assert np.abs(off).max() < ours.logit_freedom_ < 0.01


@pytest.mark.parametrize("name", DATA)
def test_what_it_says_of_itself(name: str) -> None:
    X, y = real_data(name)
    found = OptimumClassifier(scale=20, regularisation=1 << 14).fit(X, y)
    rows = 1 if name == "breast cancer" else 10
    assert found.weights_.dtype == np.int64
    assert found.weights_.shape == (len(found.classes_), X.shape[1] + 1)
    assert found.coef_.shape == (rows, X.shape[1])
    assert found.intercept_.shape == (rows,)
    # up to rounding of features: within half of 1/32, where none is cut
    inside = (np.abs((X - found.quantisation_.centre) / found.quantisation_.spread) < 3.9).all(axis=1)
    linear = (X @ found.coef_.T + found.intercept_)[inside]
    logits = found.decision_function(X).reshape(len(X), rows)[inside]
    assert np.abs(linear - logits).max() < 0.5
    assert np.corrcoef(linear.ravel(), logits.ravel())[0, 1] > 0.999


def test_labels_of_any_kind_and_the_tools_around() -> None:
    X, y = real_data("breast cancer")
    words = np.array(["malignant", "benign"])[y]
    grid = {"optimumclassifier__regularisation": np.array([1 << 10, 1 << 14])}
    search = GridSearchCV(make_pipeline(VarianceThreshold(), OptimumClassifier()), grid, cv=3).fit(X, words)
    assert search.best_score_ > 0.95
    assert set(search.predict(X)) == {"malignant", "benign"}


@pytest.mark.parametrize("name", DATA)
def test_it_is_as_accurate_as_logistic_regression(name: str) -> None:
    """Within a point on average over four splits, each model at the regularisation that is best on a part of its training set."""
    X, y = real_data(name)

    def accuracy(make: Callable[[Any], Any], grid: Sequence[Any], seed: int) -> float:
        train, test, own, asked = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y)
        part, rest, a, b = train_test_split(train, own, test_size=0.25, random_state=seed, stratify=own)
        best = max(grid, key=lambda value: make(value).fit(part, a).score(rest, b))
        return float(make(best).fit(train, own).score(test, asked))

    def ours(regularisation: int) -> Any:
        return make_pipeline(VarianceThreshold(), OptimumClassifier(regularisation=regularisation))

    def theirs(C: float) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))

    difference = [
        accuracy(ours, [1 << bits for bits in range(20, 9, -2)], seed)
        - accuracy(theirs, [0.001, 0.01, 0.1, 1.0, 10.0], seed)
        for seed in range(4)
    ]
    assert np.mean(difference) > -0.01


def test_fewer_records_than_features() -> None:
    X, y = real_data("digits")
    few = make_pipeline(VarianceThreshold(), OptimumClassifier(max_logit_freedom="1/1000")).fit(
        X[:40], y[:40]
    )
    assert few.score(X[:40], y[:40]) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda X, y: X.__setitem__((3, 1), np.nan), "contains NaN"),
        (lambda X, y: X.__setitem__((3, 1), np.inf), "contains infinity"),
        (lambda X, y: y.__setitem__(slice(None), 1), "all records are of one class"),
        (lambda X, y: X.__setitem__((slice(None), 2), 7), "column x2 is constant"),
        (lambda X, y: X.__setitem__((3, 1), 1e300), "column x1 has values too large"),
    ],
)
def test_tables_that_are_none(change: Callable[[Any, Any], None], said: str) -> None:
    X, y = real_data("breast cancer")
    X, y = X.copy(), y.copy()
    change(X, y)
    with pytest.raises(ValueError, match=said) as error:
        OptimumClassifier().fit(X, y)
    assert isinstance(error.value, Malformed) is ("contains" not in said)


def test_huge_values_at_prediction_are_cut_as_any() -> None:
    X, y = real_data("breast cancer")
    found = OptimumClassifier().fit(X, y)
    assert found.decision_function(np.full((1, X.shape[1]), 1e308)) == found.decision_function(
        found.quantisation_.centre[None] + 100 * found.quantisation_.spread
    )


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"loss": "hinge"}, "loss is one of ridge, squared hinge"),
        ({"scale": 33}, "scale is an integer from 0 to 32, not 33"),
        ({"scale": 8.0}, r"scale is an integer, not 8\.0"),
        ({"regularisation": 0}, "regularisation is an integer from 1 to 2"),
        ({"regularisation": 0.5}, r"regularisation is an integer, not 0\.5"),
        ({"max_logit_freedom": -1}, "a logit freedom is a positive number"),
        ({"max_logit_freedom": "some"}, "a logit freedom is a positive number"),
    ],
)
def test_parameters_that_are_none(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        OptimumClassifier(**parameters).fit(*real_data("breast cancer"))


def test_a_freedom_that_is_not_reached_is_refused() -> None:
    with pytest.raises(Refused, match="training refused at freedom"):
        OptimumClassifier("ridge", 16, scale=8).fit(*real_data("digits"))


def test_without_scikit_learn_it_says_what_to_install() -> None:
    script = (
        "import sys\nsys.modules['sklearn'] = None\nimport fedproof.training.solve, fedproof.training.choose\n"
        "from fedproof.errors import UsageError\n"
        "try: import fedproof.training.estimator\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'fedproof[sklearn]'" in done.stdout
