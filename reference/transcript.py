"""The hash chain of spec/transcript.md and the bytes of what it absorbs."""

from collections.abc import Sequence
from typing import NamedTuple

from reference.group import Point, Suite, encode
from reference.keccak import keccak256


class Label(NamedTuple):
    """A name and two indices."""

    name: str
    i: int = 0
    j: int = 0

    def encode(self) -> bytes:
        """u16(length of the name) ‖ name ‖ u32(i) ‖ u32(j)."""
        name = self.name.encode("ascii")
        return u16(len(name)) + name + u32(self.i) + u32(self.j)


def u16(value: int) -> bytes:
    """Two bytes, big-endian."""
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    """Four bytes, big-endian."""
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    """Eight bytes, big-endian."""
    return value.to_bytes(8, "big")


def scalar_bytes(value: int) -> bytes:
    """32 bytes, big-endian."""
    return value.to_bytes(32, "big")


def points_bytes(points: Sequence[Point]) -> bytes:
    """The number of points, then the points."""
    return u32(len(points)) + b"".join(encode(point) for point in points)


class Transcript:
    """The 32-byte state. Every challenge depends on all that was absorbed or drawn before it."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.state = keccak256(b"fedproof/v1/transcript")
        self.drawn = False  # whether there was a challenge

    def absorb(self, label: Label, data: bytes) -> None:
        """Takes in one value."""
        self.state = keccak256(self.state + b"\x41" + label.encode() + u64(len(data)) + data)

    def full(self, label: Label) -> int:
        """A challenge from (nearly) all of the field."""
        self.drawn = True
        self.state = keccak256(self.state + b"\x43" + label.encode())
        wide = keccak256(self.state + b"\x00") + keccak256(self.state + b"\x01")
        return int.from_bytes(wide, "big") % self.suite.r

    def short(self, label: Label) -> int:
        """A challenge below 2^128."""
        self.drawn = True
        self.state = keccak256(self.state + b"\x53" + label.encode())
        return int.from_bytes(keccak256(self.state + b"\x00")[:16], "big")
