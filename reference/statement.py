"""What all relations' statements share: transcript.md §4."""

from dataclasses import dataclass

from reference.errors import demand
from reference.generators import DOMAINS
from reference.recorder import Recorder
from reference.transcript import Label, u32, u64


@dataclass(frozen=True)
class Context:
    """To which round, client, weight and data certificate a proof is bound."""

    announcement: bytes
    client: str
    weight: int
    certificate: bytes | None = None


@dataclass(frozen=True)
class Shape:
    """d coordinates in rows of C columns."""

    d: int
    columns: int

    def check(self) -> None:
        """The limits of all relations."""
        demand(1 <= self.d <= 1 << 28, "statement", "d is out of range")
        power_of_two = self.columns & (self.columns - 1) == 0
        demand(2 <= self.columns <= 1 << 16 and power_of_two, "statement", "no such number of columns")

    @property
    def rows(self) -> int:
        """R = ⌈d/C⌉."""
        return -(-self.d // self.columns)

    @property
    def used(self) -> int:
        """How many columns of the last row belong to the d coordinates."""
        return self.d - (self.rows - 1) * self.columns

    @property
    def padded(self) -> bool:
        """Whether the last row has padding."""
        return self.used < self.columns


def absorb_context(recorder: Recorder, relation: str, context: Context) -> None:
    """The first eight absorbs."""
    demand(len(context.announcement) == 32, "statement", "an announcement's digest has 32 bytes")
    demand(0 <= context.weight < 1 << 64, "statement", "a weight has 64 bits")
    certificate = context.certificate
    demand(certificate is None or len(certificate) == 32, "statement", "a certificate's digest has 32 bytes")
    recorder.public(Label("suite"), recorder.suite.id.encode("ascii"))
    recorder.public(Label("version"), b"fedproof/v1")
    recorder.public(Label("relation"), relation.encode("ascii"))
    recorder.public(Label("generators"), DOMAINS[recorder.suite.id].encode("ascii"))
    recorder.public(Label("announcement"), context.announcement)
    recorder.public(Label("client"), context.client.encode("utf-8"))
    recorder.public(Label("weight"), u64(context.weight))
    recorder.public(Label("certificate"), certificate or b"")


def absorb_shape(recorder: Recorder, shape: Shape) -> None:
    """u64(d) ‖ u32(C)."""
    assert recorder.columns == shape.columns, "a recorder for another row length"
    recorder.public(Label("shape"), u64(shape.d) + u32(shape.columns))
