"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), Ed25519 only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey, VerifyKey

_ED25519 = b"\x01"
_DASH = "— "
MAX_NOTE = 1 << 17
"""Bytes of a note at most: C2SP wants at least 16 signatures read, and post-quantum ones take nearly 5 kB, 6.7 kB in base64."""
MAX_SIGNATURES = 100
"""Signature lines at most, as in Go's reader."""


def _is_name(name: str) -> bool:
    """Names of keys have no spaces, no control characters, and no plus, which ends them in a verifier's text."""
    return bool(name) and name.isprintable() and not any(c.isspace() or c == "+" for c in name)


def _has_controls(text: str) -> bool:
    return any(c < " " and c != "\n" for c in text)


def key_id(name: str, key: VerifyKey) -> bytes:
    """4 bytes: which key a signature line is for."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.raw).digest()[:4]


def verifier_text(name: str, key: VerifyKey) -> str:
    """The key as Go's note package writes it: name+hex id+base64."""
    return f"{name}+{key_id(name, key).hex()}+{base64.b64encode(_ED25519 + key.raw).decode()}"


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """text ends with a newline; the note adds an empty line and one signature line. Raises `UsageError` for what no reader would
    take."""
    if not text.endswith("\n") or _has_controls(text):
        raise UsageError("a note's text ends with a newline and has no control characters")
    if not _is_name(name):
        raise UsageError("a note is signed under a name without spaces and plus signs")
    signature = base64.b64encode(key_id(name, key.verify_key) + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n".encode()


def open_note(data: bytes, name: str, key: VerifyKey) -> str:
    """The note's text, if `key` signed it under `name`. Other signatures, by witnesses, are left alone. Raises `Malformed`, or
    `Refused` (stage "signature")."""
    if len(data) > MAX_NOTE:
        raise Malformed(f"a note of {len(data)} bytes; at most {MAX_NOTE} are read")
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise Malformed("a note that is not UTF-8") from None
    text, blank, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if (
        _has_controls(note)
        or not blank
        or not signatures.endswith("\n")
        or not 2 <= len(lines) <= MAX_SIGNATURES + 1
    ):
        raise Malformed("not a signed note")
    text += "\n"
    own = None
    for line in lines[:-1]:
        who, _, encoded = line.removeprefix(_DASH).partition(" ")
        try:
            value = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            value = b""
        if (
            not line.startswith(_DASH)
            or not _is_name(who)
            or len(value) < 5
            or base64.b64encode(value).decode() != encoded
        ):
            raise Malformed("a note's signature line that is not one")
        if (who, value[:4]) == (name, key_id(name, key)):
            if own is not None:
                raise Malformed("a note with two signatures of one key")
            own = value[4:]
    if own is None:
        raise Refused("log", "signature", "the checkpoint is not signed by the expected key")
    try:
        key.verify(own, text.encode())
    except Refused:
        raise Refused("log", "signature", "the checkpoint's signature does not verify") from None
    return text


@dataclass(frozen=True)
class Checkpoint:
    """origin: the log's name. size: entries. root: 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @staticmethod
    def size_of(note: bytes) -> int:
        """How many entries a signed checkpoint speaks of, unverified: only to find its files. Raises `Malformed`."""
        match = re.match(rb"[^\n]*\n(0|[1-9][0-9]{0,8})\n", note)
        if match is None:
            raise Malformed("not a checkpoint")
        return int(match[1])

    @classmethod
    def parse(cls, text: str, origin: str) -> Checkpoint:
        """Three lines and nothing more: this version has no extension lines. Raises `Malformed`, `Refused` for another log."""
        lines = text.split("\n")
        try:
            checkpoint = cls(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
        except (IndexError, ValueError, binascii.Error):
            raise Malformed("not a checkpoint") from None
        if checkpoint.text() != text or len(checkpoint.root) != 32 or checkpoint.size < 0:
            raise Malformed("not a checkpoint in its one spelling")
        if checkpoint.origin != origin:
            raise Refused("log", "statement", "the checkpoint is of another log")
        return checkpoint
