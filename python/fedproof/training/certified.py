"""Certified data as a trainer has it: a folder with the holder's part, the policy and the trust file it is trained under, and the newest
revocation lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedproof.data.certificate import RevocationList
from fedproof.data.dataset import Holding
from fedproof.data.files import read_data_set, read_holding
from fedproof.data.selection import Part, newest_signed, open_revocations, revoked_in
from fedproof.encoding.text import counted, printable
from fedproof.errors import Refused
from fedproof.identity.signed import Signed
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import TrainingPolicy
from fedproof.training.train import Trained, train


@dataclass(frozen=True)
class Sources:
    """What a head was trained from, as far as its bundle needs it. folders: of the data sets, in the training's order. revocations: the
    newest lists, by authority."""

    folders: tuple[Path, ...]
    policy: TrainingPolicy
    trust: TrainingTrust
    revocations: dict[str, Signed]


@dataclass(frozen=True)
class CertifiedFolder:
    """One data set with the holder's part, every commitment opened. part: without the records that a list revokes."""

    sources: Sources
    part: Part
    holding: Holding = field(repr=False)
    lists: tuple[RevocationList, ...]

    @classmethod
    def open(
        cls, folder: Path, policy: TrainingPolicy, trust: TrainingTrust, revocations: Sequence[Signed] = ()
    ) -> CertifiedFolder:
        """Raises `Refused` for data or lists that no authority of the trust file signed, `Malformed` for what cannot be read."""
        data = read_data_set(folder, trust.keys())
        lists = tuple(open_revocations(one, trust.keys()) for one in revocations)
        sources = Sources((folder,), policy, trust, newest_signed(revocations, lists))
        return cls(sources, Part(data, revoked_in(data, lists)), read_holding(folder, data), lists)

    @property
    def kept(self) -> NDArray[np.intp]:
        """Numbers of the records that are trained on, in their order."""
        return np.array(self.part.kept, dtype=np.intp)

    def train(self, now: int) -> Trained:
        """The optimum on exactly these records, and its proof. now: Unix seconds. Raises as `fedproof.training.train.train`."""
        policy, trainer = self.sources.policy, self.sources.trust.trainer
        return train(policy, trainer, [self.part], [self.holding], self.lists, now=now)

    def check_table(
        self, values: NDArray[np.float64], labels: Sequence[str], names: Sequence[str] | None
    ) -> None:
        """Raises `Refused` (subject "data set") unless this table, made integers, is what was certified and is not left out, in its order.
        values: records by features, finite. labels: of each record, as text. names: of the columns, where they have some."""
        certificate, kept = self.part.certificate, self.kept
        names = certificate.features if names is None else names
        for found, wanted, what in (
            (len(values), len(kept), "record"),
            (values.shape[1], len(certificate.features), "column"),
        ):
            if found != wanted:
                raise Refused(
                    "data set", "shape", f"X has {counted(found, what)}; {wanted} are certified and in use"
                )
        for j, (own, theirs) in enumerate(zip(names, certificate.features, strict=True)):
            if own != theirs:
                detail = f"column {j} of X is {printable(own)}; {printable(theirs)} was certified"
                raise Refused("data set", "statement", detail)
        rows, width = self.holding.rows[kept], len(certificate.features)
        other = np.argwhere(certificate.quantisation().apply(values) != rows[:, :width])
        if len(other):
            record, feature = kept[other[0, 0]], printable(certificate.features[other[0, 1]])
            detail = f"record {record} has another {feature} in X than was certified"
            raise Refused("data set", "statement", detail)
        for record, label, k in zip(kept, labels, rows[:, width + 1 :].argmax(axis=1), strict=True):
            if label != certificate.classes[k]:
                wanted_label = printable(certificate.classes[k])
                detail = f"record {record} is {printable(label)} in y; {wanted_label} was certified"
                raise Refused("data set", "statement", detail)
