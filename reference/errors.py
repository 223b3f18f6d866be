"""The one exception for a proof or statement that is not accepted."""


class Refused(Exception):
    """A refusal; `stage` is one of decoding, statement, shape, argument, opening."""

    def __init__(self, stage: str, why: str) -> None:
        super().__init__(f"{stage}: {why}")
        self.stage = stage


def demand(condition: bool, stage: str, why: str) -> None:
    """Refuses unless the condition holds."""
    if not condition:
        raise Refused(stage, why)
