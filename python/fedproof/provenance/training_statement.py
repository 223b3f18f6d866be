"""The certificate of a trained head: an in-toto Statement v1 with a predicate of its own (spec/training.md §6). All numbers are strings,
and there is one way to write it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from fedproof.encoding.text import Name
from fedproof.provenance.claims import Decimal, Share
from fedproof.provenance.statement import (
    STATEMENT_TYPE,
    CanonicalStatement,
    File,
    Part,
    Producer,
    Resource,
    Subject,
    Text,
)

TRAINING_PREDICATE_TYPE: Final = "urn:x-fedproof:training:v1"
Said = Annotated[str, Field(min_length=1, max_length=400)]

TRAINING_CLAIMS: Final[dict[str, str]] = {
    "DATA_CERTIFIED": "the weights were fitted to exactly these records: each one certified, with its label, by a trusted authority",
    "WEIGHTS_OPTIMAL": "the weights are the optimum of the policy's objective on those records, up to the logit freedom",
    "ACCURACY_AT_LEAST": "at least so many records of the policy's test set are classified correctly, and none of them equals a training"
    " record of the same authority",
}

TRAINING_NOT_PROVEN: Final[dict[str, str]] = {
    "DATA_QUALITY": "that the certified records are right or fair, or like those that the model will meet",
    "DATA_SELECTION": "that the trainer used all the records it has: those left out were its choice",
    "FEATURE_EXTRACTION": "how features were made from raw data: the authority's word",
    "FREEDOM": "which of the weights within the logit freedom these are: a trainer may have chosen among them",
    "GENERALISATION": "how good the model is on other records",
    "NO_DUPLICATES": "that no record was certified twice by different authorities: their tags differ",
    "PRIVACY": "that the weights say nothing on single records",
    "RUN_SELECTION": "that this training was not chosen among many",
    "TEST_SELECTION": "that test records are typical, no near copies of training records, and unseen before the policy was made",
}

_ALWAYS = (
    "DATA_QUALITY",
    "DATA_SELECTION",
    "FEATURE_EXTRACTION",
    "FREEDOM",
    "GENERALISATION",
    "PRIVACY",
    "RUN_SELECTION",
)


def training_not_proven(authorities: int, *, tested: bool = False) -> tuple[str, ...]:
    """What a certificate of a trained head does not prove, sorted. authorities: of training and test data. tested: whether accuracy is
    claimed."""
    more = ("NO_DUPLICATES",) if authorities > 1 else ()
    of_tests = ("TEST_SELECTION",) if tested else ()
    return tuple(sorted((*_ALWAYS, *more, *of_tests)))


class TrainingClaim(Part):
    """records: of how many that are certified, how many were used. logit_freedom: Φ in decimals, of WEIGHTS_OPTIMAL. correct: of how many
    test records, at least how many are classified correctly, of ACCURACY_AT_LEAST."""

    claim: Literal["DATA_CERTIFIED", "WEIGHTS_OPTIMAL", "ACCURACY_AT_LEAST"]
    records: Share
    correct: Share | None = None
    logit_freedom: Annotated[Said | None, Field(alias="logitFreedom")] = None


class UsedDataSet(Part):
    """What an authority said of a data set, and how many of its records were used."""

    certificate: Resource
    serial: Said
    authority: Name
    records: Share
    croissant: Resource
    licence: Said
    consent: tuple[Said, ...]
    issued: Said
    expires: Said
    extractor: Resource | None = None


class ObjectiveSaid(Part):
    """What was minimised, and how weights stand in the certificate."""

    loss: Literal["ridge", "squared hinge"]
    regularisation: Decimal
    scale: Decimal
    weights: Literal["public", "committed"]


class HeadModel(Part):
    """files: of the released model. parameters: weights and biases."""

    files: Annotated[tuple[File, ...], Field(min_length=1, max_length=1)]
    parameters: Decimal
    classes: tuple[Said, ...]


class TrainingPredicate(Part):
    """Every field but `producer` is recomputed by a verifier and compared."""

    suite: Text
    bits: Decimal
    name: Name
    trainer: Name
    policy: Resource
    model: HeadModel
    model_commitment: Annotated[str | None, Field(alias="modelCommitment", pattern=r"^[0-9a-f]{64}$")] = None
    objective: ObjectiveSaid
    claims: tuple[TrainingClaim, ...]
    not_proven: Annotated[tuple[Text, ...], Field(alias="notProven")]
    datasets: Annotated[tuple[UsedDataSet, ...], Field(min_length=1, max_length=1024)]
    testsets: Annotated[tuple[UsedDataSet, ...] | None, Field(min_length=1, max_length=64)] = None
    training: Resource
    proof: Resource
    accuracy: Resource | None = None
    producer: Producer


class TrainingStatement(CanonicalStatement):
    """An in-toto Statement v1."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")] = STATEMENT_TYPE
    subject: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=1)]
    predicate_type: Annotated[Literal["urn:x-fedproof:training:v1"], Field(alias="predicateType")] = (
        TRAINING_PREDICATE_TYPE
    )
    predicate: TrainingPredicate
