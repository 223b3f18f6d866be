"""Keccak, the groups, generators, transcript and multilinear tools: known answers and identities."""

import random

import pytest

from reference.commitment import commit, digest, shape_of
from reference.errors import Refused
from reference.forms import Form
from reference.gadgets import eq_table
from reference.generators import columns, hash_to_curve, svdw_z
from reference.group import BN254, PALLAS, Suite, combination, decode, encode, minus, plus
from reference.keccak import keccak256
from reference.recorder import Recorder
from reference.relations.bounded_update import Bounds, table_value
from reference.statement import Shape
from reference.transcript import Label, Transcript
from tests.reference.zeros import Zeros

both = pytest.mark.parametrize("suite", [PALLAS, BN254], ids=lambda suite: suite.id)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        ),
    ],
)
def test_keccak_known_answers(message: bytes, answer: str) -> None:
    assert keccak256(message).hex() == answer


def test_keccak_lengths_around_a_block_differ() -> None:
    assert len({keccak256(bytes(n)) for n in range(130, 275)}) == 145


@both
def test_constants_of_a_suite(suite: Suite) -> None:
    assert svdw_z(suite) == 1


@both
def test_group_laws(suite: Suite) -> None:
    a, b, c = columns(suite, 3)
    assert all(map(suite.contains, (a, b, c, plus(suite, a, b))))
    assert plus(suite, plus(suite, a, b), c) == plus(suite, a, plus(suite, b, c))
    assert plus(suite, a, a) == combination(suite, [(2, a)])
    assert plus(suite, a, minus(suite, a)) is None
    assert plus(suite, a, None) == plus(suite, None, a) == a
    assert combination(suite, [(suite.r, a)]) is None
    assert combination(suite, [(suite.r - 1, a)]) == minus(suite, a)
    assert combination(suite, []) is None


@both
def test_a_combination_is_the_sum_of_its_terms(suite: Suite) -> None:
    choice = random.Random(1)
    points = [*columns(suite, 3), None]
    terms = [(choice.randrange(suite.r), point) for point in points]
    total = None
    for scalar, point in terms:
        for bit in range(256):  # doubles and adds, lowest bit first
            total = plus(suite, total, point if scalar >> bit & 1 else None)
            point = plus(suite, point, point)
    assert combination(suite, terms) == total


@both
def test_points_have_one_encoding(suite: Suite) -> None:
    for point in [None, *columns(suite, 4), *(minus(suite, p) for p in columns(suite, 4))]:
        assert decode(suite, encode(point)) == point
    no_point = next(x for x in range(1, 99) if pow(x**3 + suite.b, (suite.p - 1) // 2, suite.p) != 1)
    point = next(p for p in columns(suite, 9) if p is not None and p[0] + suite.p < 2**255)
    for data in (
        b"\x80" + bytes(31),
        no_point.to_bytes(32, "big"),
        suite.p.to_bytes(32, "big"),
        (point[0] + suite.p).to_bytes(32, "big"),
        bytes(31),
        bytes(33),
        b"\xff" * 32,
    ):
        with pytest.raises(Refused, match="decoding"):
            decode(suite, data)


@pytest.mark.parametrize(
    ("message", "x", "y"),
    [
        (
            b"",
            0x0A976AB906170DB1F9638D376514DBF8C42AEF256A54BBD48521F20749E59E86,
            0x02925EAD66B9E68BFC309B014398640AB55F6619AB59BC1FAB2210AD4C4D53D5,
        ),
        (
            b"abc",
            0x23F717BEE89B1003957139F193E6BE7DA1DF5F1374B26A4643B0378B5BAF53D1,
            0x04142F826B71EE574452DBC47E05BC3E1A647478403A7BA38B7B93948F4E151D,
        ),
    ],
)
def test_the_map_gives_the_published_vectors(message: bytes, x: int, y: int) -> None:
    assert hash_to_curve(BN254, message, "QUUX-V01-CS02-with-BN254G1_XMD:SHA-256_SVDW_RO_") == (x, y)


def test_transcript_known_answers() -> None:
    transcript = Transcript(PALLAS)
    assert transcript.state.hex() == "55a4a49bb2b98bb62aace26d40ce65679cce5a79e28af37ea7574804d63a07d7"
    transcript.absorb(Label("suite"), b"pallas-keccak-ed25519-v1")
    assert transcript.state.hex() == "4fca8866b50429f909909f07c00d72e217e6063781ac3829afd85798dde7e5d8"
    assert (
        transcript.full(Label("alpha")) == 0x2394F3AB2A220F249DA97B10079131A20681868FAB52A650D3E175884354B88E
    )
    assert transcript.state.hex() == "d151ddce0c6aedfa70202574a7614a338c6f2645bc939a726572babec4c68e4d"
    assert transcript.short(Label("gkr/rho", 2, 1)) == 0xB9804065492F4B91DDE17F8B0671811B
    assert transcript.state.hex() == "7ff05972856ce85337abee80d058a59a2bd6146aa0e5295d8d26f0d039cd4b90"


def test_eq_table() -> None:
    r = PALLAS.r
    y = [random.Random(2).randrange(r) for _ in range(3)]
    table = eq_table(r, y)
    assert sum(table) % r == 1
    assert table[0b100] == y[0] * (1 - y[1]) * (1 - y[2]) % r  # variable 0 is the top bit
    assert eq_table(r, [1, 1, 0]) == [0, 0, 0, 0, 0, 0, 1, 0]
    assert eq_table(r, []) == [1]


@pytest.mark.parametrize("bound", [0, 1, 2, 3, 5, 8])
def test_closed_form_of_the_range_table(bound: int) -> None:
    r = PALLAS.r
    for k in range((2 * bound).bit_length(), 6):
        table = [t - bound if t <= 2 * bound else 0 for t in range(1 << k)]
        p = [random.Random(i).randrange(r) for i in range(k)]
        assert table_value(r, bound, p) == sum(a * b for a, b in zip(eq_table(r, p), table, strict=True)) % r
        for v in range(1 << k):
            corner = [v >> (k - 1 - i) & 1 for i in range(k)]
            assert table_value(r, bound, corner) == table[v] % r


def test_digits_cover_the_bound_exactly() -> None:
    for B in range(2, 40):
        for m in range(2, B + 1):
            (_, low), (_, high) = Bounds(B, 1, m).digits()
            sums = {a + m * b for a in range(-low, low + 1) for b in range(-high, high + 1)}
            assert sums == set(range(-B, B + 1))


def test_a_slot_with_coefficient_zero_occurs() -> None:
    slot = Form(7, 0, {3: 1})
    assert (slot - slot).coefficients == {3: 0}
    assert not (slot * 0).public
    assert (5 - 2 * slot).constant == 5


def test_products_with_a_public_factor_fold() -> None:
    recorder = Recorder(PALLAS, None, 4)  # type: ignore[arg-type]
    a, b, two = Form(PALLAS.r, 0, {0: 1}), Form(PALLAS.r, 1, {1: 1}), recorder.constant(2)
    recorder.require(a, (two, b), (a, two))
    assert recorder.linear[0].constant == 2
    assert recorder.linear[0].coefficients == {0: 3, 1: 2}
    recorder.require(a, (two, b), (a, b))
    assert recorder.products[0].pairs == [(a, b)]


@pytest.mark.parametrize(("C", "width"), [(2, 128), (128, 128), (256, 256)])
def test_places_of_messages(C: int, width: int) -> None:
    recorder = Recorder(PALLAS, Zeros(), C)
    for count in (3, width - 4, 1, 2, width, 1):
        recorder.commit(Label("message"), count)
    assert recorder.width == width
    assert [message.first for message in recorder.messages] == [
        0,
        3,
        width - 1,
        width,
        width + 2,
        2 * width + 2,
    ]
    places = [(message.block, message.place) for message in recorder.messages]
    assert places == [(0, 0), (0, 3), (0, width - 1), (1, 0), (2, 0), (3, 0)]
    with pytest.raises(Refused, match="statement"):
        recorder.commit(Label("message"), width + 1)


@pytest.mark.parametrize(
    ("d", "columns_"),
    [
        (1, 128),
        (2**12, 128),
        (2**12 + 1, 256),
        (2**14, 256),
        (2**14 + 1, 512),
        (2**20, 2048),
        (2**20 + 1, 4096),
        (2**22 + 1, 4096),
        (2**28, 4096),
    ],
)
def test_shape_rule(d: int, columns_: int) -> None:
    assert shape_of(d).columns == columns_


def test_row_tree() -> None:
    rows = commit(PALLAS, Shape(6, 2), [1, 2, 3, 4, 5, 6], [7, 8, 9])

    def leaf(i: int) -> bytes:
        x, y = [*rows, None][i] or (0, 0)
        return keccak256(b"\0" + i.to_bytes(4, "big") + x.to_bytes(32, "big") + y.to_bytes(32, "big"))

    def node(left: bytes, right: bytes) -> bytes:
        return keccak256(b"\1" + left + right)

    assert digest(rows) == node(node(leaf(0), leaf(1)), node(leaf(2), leaf(3)))
    assert digest(rows[:1]) == leaf(0)
