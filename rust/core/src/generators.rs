//! Generators by hash-to-curve from fixed strings (spec/commitment.md): RFC 9380 `hash_to_curve` with the
//! Shallue–van de Woestijne map (§6.6.1), which serves every curve y² = x³ + B. Nobody knows a relation between two of them.

use ark_ec::CurveGroup;
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::group::{Affine, Point, Suite};

/// Domain separation tag of a suite's generators; every proof absorbs it.
pub fn domain<S: Suite>() -> String {
    format!("fedproof/v1/generators-{}_XMD:SHA-256_SVDW_RO_", S::CURVE)
}

/// G_index, for column `index` of a row and for message slot `index`.
pub fn row_generator<S: Suite>(index: u32) -> Affine<S> {
    HashToCurve::<S>::new(domain::<S>().as_bytes()).row(index)
}

/// G_0 … G_{count − 1}.
pub fn row_generators<S: Suite>(count: u32) -> Vec<Affine<S>> {
    let hasher = HashToCurve::<S>::new(domain::<S>().as_bytes());
    (0..count)
        .into_par_iter()
        .map(|index| hasher.row(index))
        .collect()
}

/// H for blinds (K in one relation), U for inner products, D for keys and shares.
pub fn named_generator<S: Suite>(name: &str) -> Affine<S> {
    HashToCurve::<S>::new(domain::<S>().as_bytes()).hash(name.as_bytes())
}

/// Bytes hashed for each field element: (255 + 128)/8, rounded up. (arkworks' own field hasher pads its first block to this
/// length instead of SHA-256's 64 bytes, so it does not follow the RFC.)
const ELEMENT: usize = 48;

/// expand_message_xmd with SHA-256 for two field elements (§5.3.1); `tag` ends with its length.
fn expand_message(message: &[u8], tag: &[u8]) -> Vec<u8> {
    let length = 2 * ELEMENT;
    let mut first = Sha256::new_with_prefix([0; 64]);
    first.update(message);
    first.update([0, length as u8, 0]);
    first.update(tag);
    let first = first.finalize();
    let mut block = [0u8; 32];
    let mut out = Vec::with_capacity(length);
    for i in 1..=3u8 {
        for (to, from) in block.iter_mut().zip(&first) {
            *to ^= from;
        }
        block = Sha256::new_with_prefix(block)
            .chain_update([i])
            .chain_update(tag)
            .finalize()
            .into();
        out.extend_from_slice(&block);
    }
    out
}

/// RFC 9380 random-oracle encoding with the map's constants.
pub struct HashToCurve<S: Suite> {
    tag: Vec<u8>,
    z: S::Base,
    c1: S::Base,
    c2: S::Base,
    c3: S::Base,
    c4: S::Base,
}

fn g<S: Suite>(x: S::Base) -> S::Base {
    (x.square() + S::Curve::COEFF_A) * x + S::Curve::COEFF_B
}

fn is_square<F: Field>(value: F) -> bool {
    !value.legendre().is_qnr()
}

fn sign<F: PrimeField>(value: F) -> bool {
    value.into_bigint().is_odd()
}

/// RFC 9380, appendix H.1.
fn find_z<S: Suite>() -> S::Base {
    let suits = |z: &S::Base| {
        let value = g::<S>(*z);
        let h = -(z.square() * S::Base::from(3u64) + S::Curve::COEFF_A * S::Base::from(4u64))
            * (value * S::Base::from(4u64)).inverse().unwrap_or_default();
        let half = -*z * S::Base::from(2u64).inverse().unwrap_or_default();
        h != S::Base::ZERO && is_square(h) && (is_square(value) || is_square(g::<S>(half)))
    };
    let candidates = (1u64..).flat_map(|k| [S::Base::from(k), -S::Base::from(k)]);
    candidates.take(1 << 16).find(suits).unwrap_or_default()
}

impl<S: Suite> HashToCurve<S> {
    pub fn new(tag: &[u8]) -> Self {
        let z = find_z::<S>();
        let c1 = g::<S>(z);
        let c2 = -z * S::Base::from(2u64).inverse().unwrap_or_default();
        let slope = z.square() * S::Base::from(3u64) + S::Curve::COEFF_A * S::Base::from(4u64);
        let root = (-c1 * slope).sqrt().unwrap_or_default();
        let c3 = if sign(root) { -root } else { root };
        let c4 = -c1 * S::Base::from(4u64) * slope.inverse().unwrap_or_default();
        Self {
            tag: [tag, &[u8::try_from(tag.len()).unwrap_or(u8::MAX)]].concat(),
            z,
            c1,
            c2,
            c3,
            c4,
        }
    }

    fn row(&self, index: u32) -> Affine<S> {
        self.hash(&[b"G".as_slice(), &index.to_be_bytes()].concat())
    }

    /// hash_to_curve; the curves here have cofactor one.
    pub fn hash(&self, message: &[u8]) -> Affine<S> {
        let uniform = expand_message(message, &self.tag);
        let (u0, u1) = uniform.split_at(ELEMENT);
        let sum: Point<S> =
            self.map(S::Base::from_be_bytes_mod_order(u0)) + self.map(S::Base::from_be_bytes_mod_order(u1));
        sum.into_affine()
    }

    /// map_to_curve_svdw; the symbols are the RFC's.
    fn map(&self, u: S::Base) -> Affine<S> {
        let one = S::Base::ONE;
        let tv1 = u.square() * self.c1;
        let (tv2, tv1) = (one + tv1, one - tv1);
        let tv3 = (tv1 * tv2).inverse().unwrap_or_default();
        let tv4 = u * tv1 * tv3 * self.c3;
        let (x1, x2) = (self.c2 - tv4, self.c2 + tv4);
        let x3 = (tv2.square() * tv3).square() * self.c4 + self.z;
        // The first of the three that lies on the curve; one of them does.
        let root = |x: S::Base| g::<S>(x).sqrt().map(|y| (x, y));
        let (x, y) = root(x1)
            .or_else(|| root(x2))
            .or_else(|| root(x3))
            .unwrap_or_default();
        Affine::<S>::new_unchecked(x, if sign(u) == sign(y) { y } else { -y })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Bn254, Pallas, encode_point};

    /// The published vectors of gnark-crypto for BN254G1_XMD:SHA-256_SVDW_RO_.
    #[test]
    fn bn254_known_answers() {
        let map = HashToCurve::<Bn254>::new(b"QUUX-V01-CS02-with-BN254G1_XMD:SHA-256_SVDW_RO_");
        for (message, x, y) in [
            (
                "",
                "0a976ab906170db1f9638d376514dbf8c42aef256a54bbd48521f20749e59e86",
                "02925ead66b9e68bfc309b014398640ab55f6619ab59bc1fab2210ad4c4d53d5",
            ),
            (
                "abc",
                "23f717bee89b1003957139f193e6be7da1df5f1374b26a4643b0378b5baf53d1",
                "04142f826b71ee574452dbc47e05bc3e1a647478403a7ba38b7b93948f4e151d",
            ),
        ] {
            let point = map.hash(message.as_bytes());
            let hex = |f: ark_bn254::Fq| -> String {
                crate::group::encode_field(f)
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect()
            };
            assert_eq!((hex(point.x), hex(point.y)), (x.to_owned(), y.to_owned()));
        }
    }

    fn distinct_and_on_the_curve<S: Suite>() {
        let mut points: Vec<Affine<S>> = (0..64).map(row_generator::<S>).collect();
        assert_eq!(points, row_generators::<S>(64));
        points.extend(["H", "U", "J", "K", "D"].map(named_generator::<S>));
        assert!(
            points
                .iter()
                .all(|p| p.is_on_curve() && *p != Affine::<S>::default())
        );
        let mut encoded: Vec<_> = points.iter().map(encode_point::<S>).collect();
        encoded.sort();
        encoded.dedup();
        assert_eq!(encoded.len(), points.len());
    }

    #[test]
    fn generators_are_distinct() {
        distinct_and_on_the_curve::<Pallas>();
        distinct_and_on_the_curve::<Bn254>();
    }

    #[test]
    fn pallas_constants() {
        let map = HashToCurve::<Pallas>::new(b"x");
        assert_eq!(map.c2 + map.c2, -map.z);
    }
}
