"""A policy's text, as a person would write it: for programs that propose one. What counts is the policy that it parses to."""

from __future__ import annotations

from dataclasses import dataclass, field

from fedproof.encoding.digest import text_of
from fedproof.encoding.toml import toml_string
from fedproof.errors import Malformed
from fedproof.policy.policy import Policy


@dataclass(frozen=True)
class Draft:
    """The fields that a federation has to choose, as in `Policy`; comments says where the numbers of `update` come from, by field."""

    federation: str
    base: bytes
    scale: int
    max_abs: int
    max_norm: int
    max_weight: int
    rounds: int = 0
    min_accepted: int = 2
    deadline_seconds: int = 600
    frozen: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    comments: dict[str, str] = field(default_factory=dict)

    def to_toml(self) -> str:
        """The file's text. Raises `Malformed` for fields that no policy has, `UsageError` for text that is no UTF-8."""
        unit = 2.0**-self.scale
        update = (
            ("scale", self.scale, f"one unit is 2^-{self.scale} = {unit:.3g}"),
            ("max_abs", self.max_abs, f"bound on every coordinate: {self.max_abs * unit:.4g}"),
            ("max_norm", self.max_norm, f"bound on the Euclidean norm: {self.max_norm * unit:.4g}"),
        )
        lines = [
            *(f"# {line}" for line in self.origin),
            "version = 1",
            f"federation = {toml_string(self.federation)}",
        ]
        lines.append(f'base_model = "{text_of(self.base)}"')
        if self.frozen:
            lines += ["", "[model]", f"frozen = [{', '.join(map(toml_string, self.frozen))}]"]
        lines += ["", "[update]"]
        for name, value, meaning in update:
            lines += [*self._comment(name), f"{name} = {value}  # {meaning}"]
        lines += [*self._comment("weights"), f'weights = {{ source = "declared", max = {self.max_weight} }}']
        lines += ["", "[round]", f"rounds = {self.rounds}" + ("" if self.rounds else "  # any number")]
        lines += [f"min_accepted = {self.min_accepted}", f"deadline_seconds = {self.deadline_seconds}"]
        text = "\n".join(lines) + "\n"
        if Policy.parse(text).federation != self.federation:
            raise Malformed("policy: not the federation that was asked for")
        return text

    def _comment(self, name: str) -> list[str]:
        return [f"# {self.comments[name]}"] if name in self.comments else []
