"""The closing argument: recorder.md §6 and §7. `close` accepts by returning and refuses by raising."""

from reference.errors import demand
from reference.forms import Form
from reference.gadgets import eq_table, log2_ceiling, sumcheck
from reference.generators import columns, generator, value
from reference.group import Point, combination
from reference.recorder import Columns, Recorder
from reference.transcript import Label

Terms = list[tuple[int, Point]]  # Σ scalar·point
FINAL = 16  # entries at which folding stops


def close(recorder: Recorder) -> None:
    """Proves all that was noted; both lists of the proof must be used up."""
    one_product(recorder)
    audit(recorder)
    equation = one_inner_product(recorder)
    recorder.source.finish()
    demand(error_is_small(recorder), "statement", "the soundness error is too large")
    demand(combination(recorder.suite, equation) is None, "argument", "the equation does not hold")


def one_product(recorder: Recorder) -> None:
    """§6: turns all product constraints into three linear ones."""
    if not recorder.products:
        return
    r = recorder.suite.r
    zero = recorder.constant(0)
    delta = recorder.full(Label("products/delta"), len(recorder.products))
    powers = [pow(delta, j, r) for j in range(len(recorder.products))]
    target = -sum(
        (product.linear * power for product, power in zip(recorder.products, powers, strict=True)), zero
    )
    pairs = [
        (a * power, b)
        for product, power in zip(recorder.products, powers, strict=True)
        for a, b in product.pairs
    ]
    rounds = log2_ceiling(len(pairs))
    sigma, _, T = sumcheck(
        recorder,
        rounds,
        (),
        None,
        (target, rounds),
        (lambda i: Label("products/round", 0, i), lambda i: Label("products/sigma", 0, i)),
    )
    assert T is not None
    weights = eq_table(r, sigma)[: len(pairs)]
    A = sum((a * weight for (a, _), weight in zip(pairs, weights, strict=True)), zero)
    B = sum((b * weight for (_, b), weight in zip(pairs, weights, strict=True)), zero)
    m_a, m_b, t0, t1 = recorder.commit(Label("product/masks"), 4)
    e = recorder.short(Label("product/e"), 2)
    u = recorder.scalar(Label("product/u"))
    v = recorder.scalar(Label("product/v"))
    recorder.require(m_a + A * e - u)
    recorder.require(m_b + B * e - v)
    recorder.require(t0 + t1 * e + T * (e * e) - u * v)


def audit(recorder: Recorder) -> None:
    """Every slot in some constraint or value, every matrix in some opening: a check of the relation."""
    forms: list[Form] = [*recorder.linear, *(opening.value for opening in recorder.openings)]
    for product in recorder.products:
        forms += [product.linear, *(factor for pair in product.pairs for factor in pair)]
    used = {slot for form in forms for slot in form.coefficients}
    assert used == set(range(recorder.slots)), "a slot that nothing speaks of"
    opened = {id(opening.matrix) for opening in recorder.openings}
    assert opened == {id(matrix) for matrix in recorder.matrices}, "a matrix that is not opened"


def handles(recorder: Recorder) -> list[Columns]:
    """The column-weight vectors in the order of their first use."""
    return list({id(opening.columns): opening.columns for opening in recorder.openings}.values())


def one_statement(recorder: Recorder) -> tuple[list[tuple[Terms, list[int]]], int]:
    """§7.1: the vectors Z_i with their weights w_i, and c, for which Σ ⟨z_i, w_i⟩ = c."""
    r = recorder.suite.r
    J, N = len(recorder.linear), len(recorder.messages)
    width = recorder.width
    eta = recorder.full(Label("combine/eta"), J + len(recorder.openings))
    tau = recorder.full(Label("combine/tau"), 2 * N)
    beta = recorder.full(Label("combine/beta"), width)
    last = pow(tau, max(N, 1) - 1, r)

    omega = recorder.constant(0)
    for j, form in enumerate(recorder.linear):
        omega = omega + form * pow(eta, j, r)
    for k, opening in enumerate(recorder.openings):
        omega = omega - opening.value * pow(eta, J + k, r)

    vectors: list[tuple[Terms, list[int]]] = []
    for i, message in enumerate(recorder.messages):
        if message.block == len(vectors):
            vectors.append(([], [0] * width))
        terms, weights = vectors[message.block]
        terms.append((pow(tau, i, r), message.point))
        power = pow(tau, N - 1 - i, r)
        for k in range(message.count):
            coefficient = omega.coefficients.get(message.first + k, 0)
            weights[message.place + k] = coefficient * power % r
    for handle in handles(recorder):
        terms = []
        for k, opening in enumerate(recorder.openings):
            if opening.columns is handle:
                power = pow(eta, J + k, r)
                rows = zip(opening.row_weights, opening.matrix.rows, strict=True)
                terms += [(power * weight % r, row) for weight, row in rows]
        tail = [pow(beta, i + 1, r) for i in range(width - len(handle.weights))]
        vectors.append((terms, [weight * last % r for weight in [*handle.weights, *tail]]))
    return vectors, -omega.constant * last % r


def scaled(terms: Terms, factor: int) -> Terms:
    """factor·Σ."""
    return [(scalar * factor, point) for scalar, point in terms]


def one_inner_product(recorder: Recorder) -> Terms:
    """§7.2 to §7.5: the sum that is the identity exactly if the proof is accepted."""
    suite, r = recorder.suite, recorder.suite.r
    vectors, c = one_statement(recorder)
    U, H = value(suite), generator(suite, recorder.hiding)

    (Z, w), others = vectors[0], vectors[1:]
    V: Terms = [(c, U)]
    E = 1  # the factor that the weights of all vectors still to come have gathered
    for k, (Z_b, w_b) in enumerate(others):
        low, high = recorder.point(Label("merge/low", k)), recorder.point(Label("merge/high", k))
        e = recorder.short(Label("merge/e", k), 2)
        Z = [*Z, *scaled(Z_b, e)]
        w = [(e * a + E * b) % r for a, b in zip(w, w_b, strict=True)]
        V = [(1, low), *scaled(V, e), (e * e, high)]
        E = E * e % r

    chi = recorder.short(Label("ipa/chi"), 2)
    P = [*Z, *scaled(V, chi)]
    s = [1]  # the final generator i is Σ_b s_b·G_{16b+i}
    width = len(w)
    assert width == recorder.width
    assert width & (width - 1) == 0
    for k in range(log2_ceiling(width // FINAL)):
        low, high = recorder.point(Label("ipa/low", k)), recorder.point(Label("ipa/high", k))
        e = recorder.short(Label("ipa/e", k), 2)
        P = [(1, low), *scaled(P, e), (e * e, high)]
        half = len(w) // 2
        w = [(e * a + b) % r for a, b in zip(w[:half], w[half:], strict=True)]
        s = [entry * factor % r for entry in s for factor in (e, 1)]
    assert len(w) == FINAL
    assert len(s) * FINAL == width

    W = recorder.point(Label("schnorr/nonce"))
    e = recorder.short(Label("schnorr/e"), 1)
    *answers, blind_answer = [recorder.scalar(Label("schnorr/answer", i)) for i in range(FINAL + 1)]
    scalars = [entry * answer for entry in s for answer in answers]
    return [
        *zip(scalars, columns(suite, width), strict=True),
        (chi * sum(answer * weight for answer, weight in zip(answers, w, strict=True)), U),
        (blind_answer, H),
        (-1, W),
        *scaled(P, -e),
    ]


def error_is_small(recorder: Recorder) -> bool:
    """§8: Σ full/r + Σ short/2^128 < 2^-115."""
    r = recorder.suite.r
    full, short = sum(recorder.full_degrees), sum(recorder.short_degrees)
    return (full * 2**128 + short * r) * 2**115 < r * 2**128
