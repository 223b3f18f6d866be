"""AES-256 (FIPS 197), one block at a time: the cipher of masks (masks.md §2)."""

from functools import cache

Word = list[int]


def times(a: int, b: int) -> int:
    """The product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (§4.2)."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
    return product


@cache
def substitutions() -> bytes:
    """The S-box: the inverse (zero for zero), then an affine map (§5.1.1)."""
    inverse = {a: b for a in range(1, 256) for b in range(1, 256) if times(a, b) == 1} | {0: 0}
    box = []
    for a in range(256):
        b = inverse[a]
        turned = [(b << by | b >> 8 - by) & 0xFF for by in range(5)]
        box.append(turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63)
    return bytes(box)


@cache
def doubles() -> bytes:
    """Twice each byte."""
    return bytes(times(a, 2) for a in range(256))


@cache
def round_keys(key: bytes) -> list[bytes]:
    """15 of 16 bytes (§5.2)."""
    assert len(key) == 32
    box, words = substitutions(), [list(key[i : i + 4]) for i in range(0, 32, 4)]
    constant = 1
    while len(words) < 60:
        last: Word = words[-1]
        if len(words) % 8 == 0:
            last = [box[b] for b in last[1:] + last[:1]]
            last[0] ^= constant
            constant = times(constant, 2)
        elif len(words) % 8 == 4:
            last = [box[b] for b in last]
        words.append([a ^ b for a, b in zip(words[-8], last, strict=True)])
    flat = bytes(b for word in words for b in word)
    return [flat[i : i + 16] for i in range(0, 240, 16)]


def _add(state: Word, key: bytes) -> Word:
    return [a ^ b for a, b in zip(state, key, strict=True)]


def _mixed(column: Word) -> Word:
    """{02}a + {03}b + c + d for each place (§5.1.3)."""
    twice, every = doubles(), column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[i] ^ every ^ twice[column[i] ^ column[(i + 1) % 4]] for i in range(4)]


def encrypt(key: bytes, block: bytes) -> bytes:
    """One block of 16 bytes under a key of 32 (§5.1)."""
    box, keys = substitutions(), round_keys(key)
    state = _add(list(block), keys[0])
    for turn in range(1, 15):
        # Bytes substituted and rows shifted: byte 4c + r comes from column c + r.
        state = [box[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if turn < 14:
            state = [b for i in range(0, 16, 4) for b in _mixed(state[i : i + 4])]
        state = _add(state, keys[turn])
    return bytes(state)


def key_stream(key: bytes, row: int, block: int) -> bytes:
    """The block of that number of a row's stream (masks.md §2)."""
    return encrypt(key, row.to_bytes(8, "big") + block.to_bytes(8, "big"))
