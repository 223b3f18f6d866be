"""An authority and small data sets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fedproof.data.certificate import DataCertificate
from fedproof.data.dataset import DataSet, Holding, Terms, certify, prepare
from fedproof.data.table import Table
from fedproof.encoding.digest import sha256
from fedproof.identity.keys import SigningKey, VerifyKey

SUITE = "pallas-keccak-ed25519-v1"
NOW = 1_800_000_000


def table(n: int = 12, p: int = 3, seed: int = 1) -> Table:
    random = np.random.default_rng(seed)
    labels = tuple("sick" if i % 3 else "well" for i in range(n))
    return Table(tuple(f"f{j}" for j in range(p)), random.normal(size=(n, p)), labels)


@dataclass(frozen=True)
class Authority:
    name: str = "ministry"
    key: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def trusted(self) -> dict[str, VerifyKey]:
        return {self.name: self.key.verify_key}

    def certify(
        self,
        table: Table,
        *,
        like: DataCertificate | None = None,
        issued: int = NOW,
        expires: int = NOW + 1000,
    ) -> tuple[DataSet, Holding]:
        prepared = prepare(SUITE, table, self.key, like)
        terms = Terms(self.name, "CC-BY-4.0", ("DUO:0000042",), issued, expires)
        return certify(SUITE, prepared, terms, sha256(b"croissant"), self.key), prepared.holding
