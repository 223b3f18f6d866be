"""The optimum as a classifier of scikit-learn (extra `sklearn`). Nothing else in the package imports scikit-learn."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedproof.data.quantise import BIAS, Quantisation
from fedproof.data.records import largest_norm, make_rows
from fedproof.data.table import Table
from fedproof.errors import Malformed, UsageError
from fedproof.training.objective import BLOCK, Loss, Objective
from fedproof.training.solve import solve

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise UsageError(
        "OptimumClassifier needs scikit-learn 1.6 or later: pip install 'fedproof[sklearn]'"
    ) from None

Floats = NDArray[np.float64]


class UnfitTable(Malformed, ValueError):
    """A table that the data layer does not take; also what scikit-learn's tools expect to be raised for bad input."""


class OptimumClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A linear classifier, one class against the rest, that is the optimum of a stated objective up to a distance that is known: the W of
    spec/relations/optimum.md. Features become 8-bit integers, as an authority's do when it certifies them.

    Parameters:
        loss: "squared hinge" or "ridge" (squared error).
        regularisation: Λ, an integer: λ = Λ/2^10 times half of ‖ŵ‖² stands beside the *sum* of the records' losses. scikit-learn's
            `LinearSVC(C=C, loss="squared_hinge")` has C = 1/(2λ) = 512/Λ, and `Ridge(alpha=λ)` has λ itself, on features at unit variance
            with the bias as a feature like any other, so that it is regularised, too.
        scale: s, weights are integers in units of 2^-s. Each more halves the distance.
        max_logit_freedom: Φ: what the logit of any training record, or one no longer, may differ from the optimum's. A number, or text
            ("0.01", "1/100").

    Attributes:
        classes_, n_features_in_, feature_names_in_: as everywhere in scikit-learn.
        weights_: int64, classes by n_features_in_ + 1 (the bias is the last), in units of 2^-s.
        objective_: what they are the optimum of.
        quantisation_: how features become integers.
        norm_squared_: R², the largest squared norm of a training record's integers.
        coef_, intercept_: for features as they come in; one row where there are two classes. X @ coef_.T + intercept_ is
            `decision_function` up to what quantisation rounds and cuts.
        logit_freedom_: the Φ that was reached, rounded up.
    """

    def __init__(
        self,
        loss: Loss = "squared hinge",
        regularisation: int = 1024,
        scale: int = 24,
        max_logit_freedom: float | str | Fraction = 0.01,
    ) -> None:
        """Parameters are checked by `fit`."""
        self.loss = loss
        self.regularisation = regularisation
        self.scale = scale
        self.max_logit_freedom = max_logit_freedom

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """X: records by features, finite. y: labels of two classes at least. Raises `UsageError` for parameters; `ValueError` for no
        table of numbers, among them `UnfitTable` for one that cannot be quantised (a column is constant, or too large to square); `Refused`
        where `max_logit_freedom` is not reached, or weights or logits are beyond what can be proved."""
        objective = Objective(
            self.loss,
            _integer("scale", self.scale),
            _integer("regularisation", self.regularisation),
        )
        values, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UnfitTable("all records are of one class: there is nothing to tell apart")
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
        classes = tuple(str(code) for code in range(len(self.classes_)))
        try:
            table = Table(tuple(str(name) for name in names), values, tuple(classes[code] for code in codes))
            self.quantisation_ = Quantisation.fit(table)
        except Malformed as error:
            raise UnfitTable(str(error)) from None
        rows = make_rows(table, self.quantisation_, classes)
        self.norm_squared_ = largest_norm(rows[:, : self.n_features_in_ + 1])
        found = solve(objective, rows, len(classes), self.norm_squared_, str(self.max_logit_freedom))
        self.weights_, self.logit_freedom_ = found.weights, found.freedom
        self.objective_ = objective
        real = self._signed(found.weights / 2.0**objective.scale)
        self.coef_ = real[:, :-1] / self.quantisation_.spread
        self.intercept_ = real[:, -1] - self.coef_ @ self.quantisation_.centre
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Logits of the integer weights, records by classes; of two classes half their difference, positive for the second."""
        check_is_fitted(self)
        x = self.quantisation_.apply(validate_data(self, X, dtype=np.float64, reset=False))
        features, bias = self.weights_[:, :-1].astype(np.float64), float(BIAS) * self.weights_[:, -1]
        parts = [x[at : at + BLOCK].astype(np.float64) @ features.T + bias for at in range(0, len(x), BLOCK)]
        logits = self._signed(np.concatenate(parts).T).T / self.objective_.one
        return logits.ravel() if logits.shape[1] == 1 else logits

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with the largest logit, for each record."""
        logits = self.decision_function(X)
        chosen = (logits > 0).astype(np.intp) if logits.ndim == 1 else logits.argmax(axis=1)
        found: NDArray[Any] = self.classes_[chosen]
        return found

    def _signed(self, by_class: Floats) -> Floats:
        """One row for two classes."""
        return (by_class[1:] - by_class[:1]) / 2 if len(by_class) == 2 else by_class


def _integer(name: str, value: object) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type] # that is what it finds out
    except TypeError:
        raise UsageError(f"{name} is an integer, not {value!r}") from None
