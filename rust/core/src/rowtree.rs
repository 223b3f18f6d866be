//! The digest of a commitment: root of a Keccak-256 tree over its rows' coordinates (spec/commitment.md), so that a single
//! row can be shown to a contract or a shard. Leaf = H(00‖row‖x‖y), node = H(01‖left‖right); the identity is (0, 0). The tree
//! is padded to a power of two with leaves of the identity under their own row numbers.

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

/// The siblings on the way from a row's leaf to the root, lowest first; none if there is no such row.
pub fn prove_row<S: Suite>(points: &[Affine<S>], row: u32) -> Option<Vec<[u8; 32]>> {
    let mut index = usize::try_from(row).ok().filter(|i| *i < points.len())?;
    let mut level = leaves::<S>(points);
    let mut path = Vec::new();
    while level.len() > 1 {
        path.push(*level.get(index ^ 1)?);
        level = parents(&level);
        index /= 2;
    }
    Some(path)
}

/// Whether `point` is row `row` of a commitment with this root and as many rows as the path says.
pub fn verify_row<S: Suite>(root: &[u8; 32], row: u32, point: &Affine<S>, path: &[[u8; 32]]) -> bool {
    let (mut hash, mut index) = (leaf::<S>(row, point), row);
    for sibling in path {
        hash = if index & 1 == 0 {
            node(&hash, sibling)
        } else {
            node(sibling, &hash)
        };
        index >>= 1;
    }
    index == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generators::row_generator;
    use crate::group::Pallas;

    #[test]
    fn single_rows_can_be_shown() {
        for n in 1..10u32 {
            let points: Vec<_> = (0..n).map(row_generator::<Pallas>).collect();
            let root = row_root::<Pallas>(&points);
            for (row, point) in (0..n).zip(&points) {
                let path = prove_row::<Pallas>(&points, row).expect("a row");
                assert!(verify_row::<Pallas>(&root, row, point, &path));
                assert!(!verify_row::<Pallas>(&root, row ^ 1, point, &path));
                assert!(!verify_row::<Pallas>(
                    &root,
                    row,
                    &row_generator::<Pallas>(99),
                    &path
                ));
                assert!(!verify_row::<Pallas>(
                    &root,
                    row + n.next_power_of_two(),
                    point,
                    &path
                ));
            }
            assert!(prove_row::<Pallas>(&points, n).is_none());
        }
    }

    #[test]
    fn order_and_padding_matter() {
        let points: Vec<_> = (0..3).map(row_generator::<Pallas>).collect();
        let swapped = [points[1], points[0], points[2]];
        assert_ne!(row_root::<Pallas>(&points), row_root::<Pallas>(&swapped));
    }
}
