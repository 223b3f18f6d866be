"""What binds a proof to its place, and how the engine's refusals become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fedproof import _core
from fedproof.errors import Refused


@dataclass(frozen=True)
class Context:
    """Absorbed by every proof before anything else (spec/transcript.md): a proof holds for this place only.

    announcement: digest of the round's announcement, 32 bytes; it covers policy, federation, round, attempt, roster and
        base model.
    client: who proves.
    weight: the client's public integer weight in the sum.
    certificate: digest of a data certificate, 32 bytes, if one belongs to the statement.
    """

    announcement: bytes
    client: str
    weight: int
    certificate: bytes | None = None

    def parts(self) -> tuple[bytes, str, int, bytes | None]:
        """As the engine takes it."""
        return self.announcement, self.client, self.weight, self.certificate


@contextmanager
def refusals(*, party: str | None = None, round: int | None = None) -> Iterator[None]:
    """Turns an error of the engine into `Refused`, with who and when."""
    try:
        yield
    except _core.ProofError as error:
        subject, stage, detail = error.args
        raise Refused(subject, stage, detail, party=party, round=round) from None
    except OverflowError as error:
        raise Refused(
            "statement", "statement", f"a number is out of range: {error}", party=party, round=round
        ) from None
