"""Keccak-256 with the original padding: the first padding byte is 0x01, as in the EVM."""

LANE = (1 << 64) - 1
RATE = 136  # bytes: 1600/8 − 2·32


def round_constants() -> list[int]:
    """The 24 constants of ι, from the eight-bit shift register x^8 + x^6 + x^5 + x^4 + 1."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << (2**j - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return constants


def rotation_offsets() -> dict[tuple[int, int], int]:
    """The rotations of ρ, for lane (x, y)."""
    offsets = {(0, 0): 0}
    x, y = 1, 0
    for t in range(24):
        offsets[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


CONSTANTS = round_constants()
# Lane (x, y) stands at x + 5·y. ρ and π: from where, its column, by how much, to where; χ: a lane and the two after it in its row.
MOVES = [(x + 5 * y, x, by, y + 5 * ((2 * x + 3 * y) % 5)) for (x, y), by in rotation_offsets().items()]
ROWS = [(x + 5 * y, (x + 1) % 5 + 5 * y, (x + 2) % 5 + 5 * y) for y in range(5) for x in range(5)]


def rotate(lane: int, by: int) -> int:
    """Rotates a 64-bit lane to the left."""
    return ((lane << by) | (lane >> (64 - by))) & LANE


def permute(lanes: list[int]) -> list[int]:
    """Keccak-f[1600]. Half of a verifier's time is spent here: hence the tables, and the rotation written out."""
    for constant in CONSTANTS:
        parity = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        theta = [parity[x - 1] ^ rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        moved = [0] * 25
        for source, x, by, to in MOVES:
            lane = lanes[source] ^ theta[x]
            moved[to] = (lane << by | lane >> (64 - by)) & LANE
        lanes = [moved[i] ^ (~moved[j] & moved[k]) for i, j, k in ROWS]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """The 32-byte digest of `data`."""
    padded = bytearray(data)
    padded += bytes(RATE - len(data) % RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        for i in range(RATE // 8):
            lanes[i] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        lanes = permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
