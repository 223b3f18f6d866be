"""Every exception that fedproof raises on purpose.

Three kinds, one for each exit code of the command line: `Malformed` and `UsageError` (2: the input can't be
read, or it was used wrongly) and `Refused` (1: it was read, and a check failed). Nothing returns a truth
value that a caller could forget to look at.
"""


class FedproofError(Exception):
    """What all of fedproof's exceptions have in common."""


class Malformed(FedproofError):
    """Input that can't be read. The message says what, where, and what to do."""


class UsageError(FedproofError):
    """Wrong use or a bad configuration: an invalid policy or trust file, an option that excludes another."""


class Refused(FedproofError):
    """Input that was read and failed a check.

    `subject` is the object that was checked ("bounded update", "roster", "certificate", …), `stage` the check
    that failed ("decoding", "statement", "shape", "witness", "argument", "opening", "signature", "trust",
    "expiry", "digest", "chain", "sum", "policy"; "deadline" where nothing came), `detail` what a person reads;
    `party` and `round` say whose object it was and when, where that is known.
    """

    def __init__(
        self, subject: str, stage: str, detail: str, *, party: str | None = None, round: int | None = None
    ) -> None:
        super().__init__(subject, stage, detail)
        self.subject = subject
        self.stage = stage
        self.detail = detail
        self.party = party
        self.round = round

    def __str__(self) -> str:
        """One line: subject, party and round where known, stage unless it says the same, detail."""
        where = "".join(
            [
                f" of {self.party}" if self.party is not None else "",
                f" in round {self.round}" if self.round is not None else "",
            ]
        )
        stage = f" at {self.stage}" if self.stage != self.subject else ""
        return f"{self.subject}{where} refused{stage}: {self.detail}"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the keyword arguments, so that the error survives a process boundary."""
        return _refused, (self.subject, self.stage, self.detail, self.party, self.round)


def _refused(subject: str, stage: str, detail: str, party: str | None, round: int | None) -> Refused:
    return Refused(subject, stage, detail, party=party, round=round)
