"""RFC 6962 Merkle trees: leaf = SHA-256(00 ‖ entry), node = SHA-256(01 ‖ left ‖ right); proofs as in RFC 9162 §2.1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from fedproof.errors import Refused

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry, 32 bytes."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node, 32 bytes."""
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes; SHA-256 of nothing for an empty tree."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def _check_lengths(*hashes: bytes) -> None:
    # With parts of other lengths an inner node could be passed off as made of something else.
    if any(len(h) != 32 for h in hashes):
        raise Refused("log", "shape", "a hash that is not 32 bytes long")


def prove_inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, lowest first. Raises `IndexError`."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*prove_inclusion(leaves[:k], index), tree_root(leaves[k:])]
    return [*prove_inclusion(leaves[k:], index - k), tree_root(leaves[:k])]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raises `Refused` unless the leaf hash is entry `index` of the tree of `size` entries with this root."""
    if not 0 <= index < size:
        raise Refused("log", "shape", f"entry {index} of a tree of {size}")
    _check_lengths(leaf, root, *proof)
    node, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Refused("log", "shape", "an inclusion proof that is too long")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last != 0 or current != root:
        raise Refused("log", "digest", "the entry is not in the tree")


def prove_consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """That the tree of the first `old` entries is a prefix of the tree of all. Raises `IndexError`."""
    if not 0 < old <= len(leaves):
        raise IndexError(old)
    return _subproof(leaves, old, True)


def _subproof(leaves: Sequence[bytes], old: int, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    k = _split(len(leaves))
    if old <= k:
        return [*_subproof(leaves[:k], old, whole), tree_root(leaves[k:])]
    return [*_subproof(leaves[k:], old - k, False), tree_root(leaves[:k])]


def check_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Raises `Refused` unless the tree of `size` entries extends the one of `old`."""
    if not 0 < old <= size:
        raise Refused("log", "shape", f"a tree of {size} entries cannot extend one of {old}")
    _check_lengths(old_root, root, *proof)
    if old == size:
        if proof or old_root != root:
            raise Refused("log", "digest", "two trees of one size with different roots")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise Refused("log", "shape", "an empty consistency proof")
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Refused("log", "shape", "a consistency proof that is too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last != 0 or first != old_root or second != root:
        raise Refused("log", "digest", "the log does not extend the earlier one")
