"""The optimum as a classifier of scikit-learn (extra `sklearn`). Nothing else in the package imports scikit-learn."""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedproof.data.files import read_list
from fedproof.data.quantise import BIAS, Quantisation
from fedproof.data.records import largest_norm, make_rows
from fedproof.data.table import Table, label_text
from fedproof.errors import Malformed, UsageError
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import TrainingPolicy, load_training_policy
from fedproof.training.certified import CertifiedFolder
from fedproof.training.objective import BLOCK, Loss, Objective, Weights
from fedproof.training.proof import objective_of
from fedproof.training.solve import solve

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise UsageError(
        "OptimumClassifier needs scikit-learn 1.6 or later: pip install 'fedproof[sklearn]', or make setup in a clone"
    ) from None

Floats = NDArray[np.float64]
Place = str | os.PathLike[str]
_LEFT_BEHIND = ("proof_", "trained_", "sources_")


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
        data_set: path of a folder of certified data with the holder's part. With it `fit` trains on exactly its records, and proves it.
        policy, trust: paths of the training policy and the trust file; with a data set, and only then. Loss, regularisation, scale and
            freedom must be the policy's: `certified` makes an estimator that has them.
        revocations: paths of revocation lists. Records on them are left out.

    Attributes:
        classes_, n_features_in_, feature_names_in_: as everywhere in scikit-learn.
        weights_: int64, classes by n_features_in_ + 1 (the bias is the last), in units of 2^-s.
        objective_: what they are the optimum of.
        quantisation_: how features become integers.
        norm_squared_: R², the largest squared norm of a training record's integers.
        coef_, intercept_: for features as they come in; one row where there are two classes. X @ coef_.T + intercept_ is
            `decision_function` up to what quantisation rounds and cuts.
        logit_freedom_: the Φ that was reached, rounded up.
        proof_, trained_, sources_: with a data set only: R5's proof; message, weights and, of committed ones, blinds; policy, trust file
            and folder. `fedproof.provenance.training_release.release` makes bundle and model's file of the last two. Committed weights
            have their secrets in it: then a pickled estimator is the trainer's alone.

    With a data set classes_ are in the certificate's order, which is that of their texts: "10" stands before "2".
    """

    def __init__(
        self,
        loss: Loss = "squared hinge",
        regularisation: int = 1024,
        scale: int = 24,
        max_logit_freedom: float | str | Fraction = 0.01,
        data_set: Place | None = None,
        policy: Place | None = None,
        trust: Place | None = None,
        revocations: Sequence[Place] = (),
    ) -> None:
        """Parameters are checked by `fit`."""
        self.loss = loss
        self.regularisation = regularisation
        self.scale = scale
        self.max_logit_freedom = max_logit_freedom
        self.data_set = data_set
        self.policy = policy
        self.trust = trust
        self.revocations = revocations

    @classmethod
    def certified(
        cls, data_set: Place, policy: Place, trust: Place, revocations: Sequence[Place] = ()
    ) -> Self:
        """The estimator that this policy asks for. Raises `UsageError` for a policy that is none."""
        head = load_training_policy(Path(policy)).training
        return cls(
            head.loss,
            head.regularisation,
            head.scale,
            head.max_logit_freedom,
            data_set=data_set,
            policy=policy,
            trust=trust,
            revocations=revocations,
        )

    def fit(self, X: ArrayLike | None = None, y: ArrayLike | None = None) -> Self:
        """X: records by features, finite. y: labels of two classes at least. Raises `UsageError` for parameters; `ValueError` for no
        table of numbers, among them `UnfitTable` for one that cannot be quantised (a column is constant, or too large to square); `Refused`
        where `max_logit_freedom` is not reached, or weights or logits are beyond what can be proved.

        With a data set both may be left out. If they are there, they must be its records that are not revoked, in its order: equal once
        they are integers, with equal labels as text. Then raises `Refused`, naming the first that differs; as it does for data that the
        policy does not allow, that changed after it was certified, or that no authority of the trust file signed."""
        for name in _LEFT_BEHIND:  # a second fit that fails must not keep the first one's proof
            self.__dict__.pop(name, None)
        if X is None and (self.data_set is None or y is not None):
            raise UsageError("fit takes X and y; with a data_set both may be left out, not one of them")
        if self.data_set is not None:
            return self._fit_certified(X, y)
        if self.policy is not None or self.trust is not None or len(self.revocations):
            raise UsageError("policy, trust and revocations go with a data_set: that of its certified folder")
        objective = self._objective()
        values, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UnfitTable("all records are of one class: there is nothing to tell apart")
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
        classes = tuple(str(code) for code in range(len(self.classes_)))
        try:
            table = Table(tuple(str(name) for name in names), values, tuple(classes[code] for code in codes))
            quantisation = Quantisation.fit(table)
        except Malformed as error:
            raise UnfitTable(str(error)) from None
        rows = make_rows(table, quantisation, classes)
        norm_squared = largest_norm(rows[:, : self.n_features_in_ + 1])
        found = solve(objective, rows, len(classes), norm_squared, str(self.max_logit_freedom))
        return self._keep(objective, quantisation, norm_squared, found.weights, found.freedom)

    def _fit_certified(self, X: ArrayLike | None, y: ArrayLike | None) -> Self:
        """On a data set, with its proof."""
        if self.data_set is None or self.policy is None or self.trust is None:
            raise UsageError("a data_set is trained on under a policy and a trust file: give both paths")
        policy, trust = load_training_policy(Path(self.policy)), TrainingTrust.load(Path(self.trust))
        if policy.test is not None:
            raise UsageError("the policy registers a test set: `fedproof train --test` proves accuracy on it")
        self._check_policy(policy)
        lists = [read_list(Path(path)) for path in self.revocations]
        folder = CertifiedFolder.open(Path(self.data_set), policy, trust, lists)
        certificate = folder.part.certificate
        classes = np.array(certificate.classes)
        if X is not None:
            values, labels = validate_data(self, X, y, dtype=np.float64)
            check_classification_targets(labels)
            texts = [label_text(label) for label in labels.tolist()]
            folder.check_table(values, texts, getattr(self, "feature_names_in_", None))
            classes = _as_in(labels, texts, certificate.classes)
        else:
            self.n_features_in_ = len(certificate.features)
            self.feature_names_in_ = np.array(certificate.features, dtype=object)
        made = folder.train(int(time.time()))
        self.classes_ = classes
        self.proof_, self.trained_, self.sources_ = made.proof, made, folder.sources
        return self._keep(
            objective_of(policy),
            certificate.quantisation(),
            certificate.norm_squared,
            made.weights,
            made.freedom,
        )

    def _objective(self) -> Objective:
        return Objective(
            self.loss, _integer("scale", self.scale), _integer("regularisation", self.regularisation)
        )

    def _check_policy(self, policy: TrainingPolicy) -> None:
        """Raises `UsageError` for a parameter that is not the policy's."""
        own, theirs = self._objective(), objective_of(policy)
        differing = [
            (name, getattr(own, name), getattr(theirs, name))
            for name in ("loss", "regularisation", "scale")
            if getattr(own, name) != getattr(theirs, name)
        ]
        try:
            same = Fraction(str(self.max_logit_freedom)) == policy.training.freedom
        except (ValueError, ZeroDivisionError):
            same = False
        if not same:
            differing.append(("max_logit_freedom", self.max_logit_freedom, policy.training.max_logit_freedom))
        for name, mine, wanted in differing:
            detail = "OptimumClassifier.certified takes all from the policy"
            raise UsageError(f"{name} is {mine!r} and the policy's is {wanted!r}: {detail}")

    def _keep(
        self,
        objective: Objective,
        quantisation: Quantisation,
        norm_squared: int,
        weights: Weights,
        freedom: float,
    ) -> Self:
        """What was found, in integers and in floats."""
        self.objective_, self.quantisation_, self.norm_squared_ = objective, quantisation, norm_squared
        self.weights_, self.logit_freedom_ = weights, freedom
        real = self._signed(weights / 2.0**objective.scale)
        self.coef_ = real[:, :-1] / quantisation.spread
        self.intercept_ = real[:, -1] - self.coef_ @ quantisation.centre
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


def _as_in(labels: NDArray[Any], texts: Sequence[str], classes: Sequence[str]) -> NDArray[Any]:
    """Classes as the labels spell them; one that none of them has, as text, or as the number that it is among numbers."""
    own = dict(zip(texts, labels.tolist(), strict=True))
    kind = labels.dtype if labels.dtype.kind in "iuf" else None
    return np.array([own.get(name, name) for name in classes], dtype=kind)


def _integer(name: str, value: object) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type] # that is what it finds out
    except TypeError:
        raise UsageError(f"{name} is an integer, not {value!r}") from None
