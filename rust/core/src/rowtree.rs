//! The digest of a commitment: root of a Keccak-256 tree over its rows' coordinates (spec/commitment.md), so that a single
//! row can be shown to a contract or a shard. Leaf = H(00‖row‖x‖y), node = H(01‖left‖right); the identity is (0, 0). The tree
//! is padded to a power of two with leaves of the identity under their own row numbers; the number of rows follows from d.

use sha3::{Digest, Keccak256};

use crate::group::{Affine, Suite, coordinates, encode_field};

fn leaf<S: Suite>(row: u32, point: &Affine<S>) -> [u8; 32] {
    let (x, y) = coordinates::<S>(point);
    let mut hash = Keccak256::new_with_prefix([0]);
    hash.update(row.to_be_bytes());
    hash.update(encode_field(x));
    hash.update(encode_field(y));
    hash.finalize().into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Keccak256::new_with_prefix([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

fn leaves<S: Suite>(points: &[Affine<S>]) -> Vec<[u8; 32]> {
    let size = points.len().max(1).next_power_of_two();
    let padding = Affine::<S>::default();
    (0u32..)
        .zip(points.iter().chain(std::iter::repeat(&padding)))
        .take(size)
        .map(|(i, p)| leaf::<S>(i, p))
        .collect()
}

fn parents(nodes: &[[u8; 32]]) -> Vec<[u8; 32]> {
    nodes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[left, right]| node(left, right))
        .collect()
}

/// The root.
pub fn row_root<S: Suite>(points: &[Affine<S>]) -> [u8; 32] {
    let mut level = leaves::<S>(points);
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generators::row_generator;
    use crate::group::{Bn254, Pallas};

    /// The root as spec/commitment.md §6 writes it, for every shape of tree up to nine rows.
    fn by_hand<S: Suite>(points: &[Affine<S>], first: u32, size: usize) -> [u8; 32] {
        let keccak = |parts: &[&[u8]]| -> [u8; 32] { Keccak256::digest(parts.concat()).into() };
        if size == 1 {
            let point = points.get(first as usize).copied().unwrap_or_default();
            let (x, y) = coordinates::<S>(&point);
            return keccak(&[&[0], &first.to_be_bytes(), &encode_field(x), &encode_field(y)]);
        }
        let half = size / 2;
        let right = by_hand::<S>(points, first + half as u32, half);
        keccak(&[&[1], &by_hand::<S>(points, first, half), &right])
    }

    fn roots_agree<S: Suite>() {
        for n in 1..10u32 {
            let points: Vec<_> = (0..n).map(row_generator::<S>).collect();
            let size = points.len().next_power_of_two();
            assert_eq!(row_root::<S>(&points), by_hand::<S>(&points, 0, size));
        }
    }

    #[test]
    fn roots_follow_the_specification() {
        roots_agree::<Pallas>();
        roots_agree::<Bn254>();
    }

    /// The root does not say how many rows there are: identity rows are padding. The number follows from d.
    #[test]
    fn the_number_of_rows_is_not_in_the_root() {
        let mut points: Vec<_> = (0..3).map(row_generator::<Pallas>).collect();
        let root = row_root::<Pallas>(&points);
        points.push(Affine::<Pallas>::default());
        assert_eq!(row_root::<Pallas>(&points), root);
        points.push(Affine::<Pallas>::default());
        assert_ne!(row_root::<Pallas>(&points), root);
    }

    #[test]
    fn order_matters() {
        let points: Vec<_> = (0..3).map(row_generator::<Pallas>).collect();
        let swapped = [points[1], points[0], points[2]];
        assert_ne!(row_root::<Pallas>(&points), row_root::<Pallas>(&swapped));
    }
}
