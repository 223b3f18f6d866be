//! The committed vectors (vectors/v1/README.md): every good one is accepted, every bad one refused at the stage that it names.
//!
//! Folders under vectors/v1 hold bundles and logs: those are the Python package's, this crate knows neither. Of the files none
//! is left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fedproof_core::error::{Error, Result, Stage};
use fedproof_core::group::{Bn254, Pallas, Suite, decode_points, decode_scalars};
use fedproof_core::masking::Modulus;
use fedproof_core::relation::accuracy::Accuracy;
use fedproof_core::relation::bounded_update::{BoundedUpdate, Bounds};
use fedproof_core::relation::consistent_masking::{ConsistentMasking, Pair};
use fedproof_core::relation::head::{Digits, Size, Weights};
use fedproof_core::relation::honest_aggregate::HonestAggregate;
use fedproof_core::relation::optimum::{Loss, Objective, Optimum};
use fedproof_core::relation::plain_opening::PlainOpening;
use fedproof_core::relation::receipt::{Answer, Receipt};
use fedproof_core::relation::{Context, Relation, Shape};
use serde_json::{Map, Value};

/// Not in the tables of the format: these are no vectors.
const OTHER_FILES: [&str; 1] = ["README.md"];

/// The values of an object that has exactly these fields.
fn fields<const N: usize>(value: &Value, names: [&str; N]) -> [Value; N] {
    let mut object: Map<String, Value> = value.as_object().expect("an object").clone();
    let found = names.map(|name| object.remove(name).unwrap_or_else(|| panic!("{name} is missing")));
    assert!(
        object.is_empty(),
        "fields that the format does not have: {object:?}"
    );
    found
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn integer(value: &Value) -> u64 {
    value.as_u64().expect("an integer below 2^64")
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = text(value).as_bytes();
    let digit = |d: u8| match d {
        b'0'..=b'9' => d - b'0',
        b'a'..=b'f' => d - b'a' + 10,
        _ => panic!("not lower-case hexadecimal"),
    };
    assert!(digits.len().is_multiple_of(2), "two digits for each byte");
    digits
        .chunks(2)
        .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
        .collect()
}

fn decimal<T: std::str::FromStr + ToString>(value: &Value) -> T {
    let number: T = text(value).parse().ok().expect("a decimal that fits");
    assert_eq!(number.to_string(), text(value), "one way to write it");
    number
}

fn digest(value: &Value) -> [u8; 32] {
    bytes(value).try_into().expect("32 bytes")
}

fn context(value: &Value) -> Context {
    let [announcement, client, weight, certificate] =
        fields(value, ["announcement", "client", "weight", "certificate"]);
    Context {
        announcement: digest(&announcement),
        client: text(&client).to_owned(),
        weight: integer(&weight),
        certificate: (!certificate.is_null()).then(|| digest(&certificate)),
    }
}

fn shape(value: &Value) -> Shape {
    let [d, columns] = fields(value, ["d", "columns"]);
    Shape {
        d: integer(&d),
        columns: u32::try_from(integer(&columns)).expect("columns below 2^32"),
    }
}

fn bounds(value: &Value) -> Bounds {
    let [max_abs, max_norm_squared, limb] = fields(value, ["max_abs", "max_norm_squared", "limb"]);
    Bounds {
        max_abs: integer(&max_abs),
        max_norm_squared: decimal(&max_norm_squared),
        limb: integer(&limb),
    }
}

/// The context of a sum follows from its terms.
fn aggregate<S: Suite>(
    announcement: [u8; 32],
    shape_of: &Value,
    terms: &Value,
) -> Result<HonestAggregate<S>> {
    let (mut weights, mut commitments) = (Vec::new(), Vec::new());
    for term in terms.as_array().expect("a list") {
        let [weight, points] = fields(term, ["weight", "points"]);
        weights.push(integer(&weight));
        commitments.push(decode_points::<S>(&bytes(&points))?);
    }
    let context = Context {
        announcement,
        client: "aggregator".into(),
        weight: weights.iter().fold(0, |sum, w| w.wrapping_add(sum)),
        certificate: None,
    };
    Ok(HonestAggregate {
        context,
        shape: shape(shape_of),
        weights,
        commitments,
    })
}

fn verify<S: Suite>(relation: &str, statement: &Value, proof: &[u8]) -> Result<()> {
    match relation {
        "plain opening" => {
            let [ctx, size, points] = fields(statement, ["context", "shape", "points"]);
            let statement = PlainOpening::<S> {
                context: context(&ctx),
                shape: shape(&size),
                points: decode_points::<S>(&bytes(&points))?,
            };
            statement.verify(proof)
        }
        "bounded update" => {
            let [ctx, size, limits, points] = fields(statement, ["context", "shape", "bounds", "points"]);
            let statement = BoundedUpdate::<S> {
                context: context(&ctx),
                shape: shape(&size),
                bounds: bounds(&limits),
                points: decode_points::<S>(&bytes(&points))?,
            };
            statement.verify(proof)
        }
        "honest aggregate" => {
            let [ctx, size, terms] = fields(statement, ["context", "shape", "terms"]);
            let [announcement] = fields(&ctx, ["announcement"]);
            aggregate::<S>(digest(&announcement), &size, &terms)?.verify(proof)
        }
        "honest aggregate sum" => {
            assert!(proof.is_empty(), "a sum has no proof");
            let [size, terms, values, blinds] = fields(statement, ["shape", "terms", "values", "blinds"]);
            let values: Vec<i64> = values.as_array().expect("a list").iter().map(decimal).collect();
            let blinds = decode_scalars::<S>(&bytes(&blinds))?;
            aggregate::<S>([0; 32], &size, &terms)?.verify_sum(&values, &blinds)
        }
        "consistent masking" => masking::<S>(statement)?.verify(proof),
        "receipt" => receipt::<S>(statement)?.verify(proof),
        "optimum" => optimum::<S>(statement)?.verify(proof),
        "accuracy" => accuracy::<S>(statement)?.verify(proof),
        other => panic!("no such relation: {other}"),
    }
}

fn u32_of(value: &Value) -> u32 {
    u32::try_from(integer(value)).unwrap_or(u32::MAX)
}

fn masking<S: Suite>(statement: &Value) -> Result<ConsistentMasking<S>> {
    let names = [
        "context", "accepted", "shape", "masks", "points", "blinds", "pairs", "values",
    ];
    let [ctx, accepted, size, masks, points, blinds, pairs, values] = fields(statement, names);
    let [modulus, carry_bits] = fields(&masks, ["modulus", "carry_bits"]);
    let pair = |value: &Value| {
        let [negative, points] = fields(value, ["negative", "points"]);
        Ok(Pair {
            negative: negative.as_bool().expect("true or false"),
            points: decode_points::<S>(&bytes(&points))?,
        })
    };
    Ok(ConsistentMasking {
        context: context(&ctx),
        accepted: digest(&accepted),
        shape: shape(&size),
        modulus: Modulus::new(integer(&modulus))?,
        carry_bits: u32_of(&carry_bits),
        points: decode_points::<S>(&bytes(&points))?,
        blinds: decode_scalars::<S>(&bytes(&blinds))?,
        pairs: pairs
            .as_array()
            .expect("a list")
            .iter()
            .map(pair)
            .collect::<Result<_>>()?,
        values: values.as_array().expect("a list").iter().map(integer).collect(),
    })
}

fn receipt<S: Suite>(statement: &Value) -> Result<Receipt<S>> {
    let names = ["context", "features", "classes", "scale", "answers", "points"];
    let [ctx, features, classes, scale, answers, points] = fields(statement, names);
    let answer = |value: &Value| {
        let [input, class] = fields(value, ["input", "class"]);
        let number = |v: &Value| i8::try_from(v.as_i64().expect("an integer")).expect("eight bits");
        Answer {
            input: input.as_array().expect("a list").iter().map(number).collect(),
            class: u32_of(&class),
        }
    };
    Ok(Receipt {
        context: context(&ctx),
        features: u32_of(&features),
        classes: u32_of(&classes),
        scale: u32_of(&scale),
        answers: answers.as_array().expect("a list").iter().map(answer).collect(),
        points: decode_points::<S>(&bytes(&points))?,
    })
}

fn optimum<S: Suite>(statement: &Value) -> Result<Optimum<S>> {
    let names = [
        "context",
        "size",
        "loss",
        "objective",
        "digits",
        "records",
        "weights",
    ];
    let [ctx, size, loss, objective, digits, records, weights] = fields(statement, names);
    let [scale, regularisation, bound] =
        fields(&objective, ["scale", "regularisation", "max_residual_squared"]);
    Ok(Optimum {
        context: context(&ctx),
        size: sizes(&size),
        objective: Objective {
            loss: match text(&loss) {
                "ridge" => Loss::Ridge,
                "squared hinge" => Loss::SquaredHinge,
                other => panic!("no such loss: {other}"),
            },
            scale: u32_of(&scale),
            regularisation: integer(&regularisation),
            max_residual_squared: decimal(&bound),
        },
        digits: digits_of(&digits),
        records: decode_points::<S>(&bytes(&records))?,
        weights: weights_of::<S>(&weights)?,
    })
}

fn accuracy<S: Suite>(statement: &Value) -> Result<Accuracy<S>> {
    let names = [
        "context", "size", "scale", "correct", "digits", "records", "weights",
    ];
    let [ctx, size, scale, correct, digits, records, weights] = fields(statement, names);
    Ok(Accuracy {
        context: context(&ctx),
        size: sizes(&size),
        scale: u32_of(&scale),
        correct: integer(&correct),
        digits: digits_of(&digits),
        records: decode_points::<S>(&bytes(&records))?,
        weights: weights_of::<S>(&weights)?,
    })
}

fn sizes(value: &Value) -> Size {
    let [n, p, c] = fields(value, ["records", "features", "classes"]);
    Size {
        records: integer(&n),
        features: u32_of(&p),
        classes: u32_of(&c),
    }
}

fn digits_of(value: &Value) -> Digits {
    let [bound, margins, weights] = fields(value, ["bound", "margins", "weights"]);
    Digits {
        bound: integer(&bound),
        margins: u32_of(&margins),
        weights: u32_of(&weights),
    }
}

fn weights_of<S: Suite>(value: &Value) -> Result<Weights<S>> {
    Ok(match value.get("integers").and_then(Value::as_array) {
        Some(integers) => Weights::Public(integers.iter().map(decimal).collect()),
        None => Weights::Committed(decode_points::<S>(&bytes(&fields(value, ["points"])[0]))?),
    })
}

/// What came out, and what the vector expects: nothing, or a stage.
fn check(path: &Path) -> (std::result::Result<(), Error>, Option<String>) {
    let file = std::fs::read(path).expect("a readable file");
    let mut vector: Value = serde_json::from_slice(&file).expect("JSON");
    vector.as_object_mut().expect("an object").remove("about");
    let [relation, suite, statement, proof, expect] =
        fields(&vector, ["relation", "suite", "statement", "proof", "expect"]);
    let expected = if expect == "accept" {
        None
    } else {
        let [stage] = fields(&expect, ["stage"]);
        Some(text(&stage).to_owned())
    };
    let proof = bytes(&proof);
    let outcome = match text(&suite) {
        Pallas::ID => verify::<Pallas>(text(&relation), &statement, &proof),
        Bn254::ID => verify::<Bn254>(text(&relation), &statement, &proof),
        other => panic!("no such suite: {other}"),
    };
    (outcome, expected)
}

#[test]
fn every_vector_comes_out_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/v1");
    let entries = std::fs::read_dir(&folder).expect("the folder of vectors");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let mut counts = BTreeMap::new();
    for path in paths.iter().filter(|p| p.is_file()) {
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        if OTHER_FILES.contains(&name) {
            continue;
        }
        let (outcome, expected) = check(path);
        let kind = if name.starts_with("good_") { "good" } else { "bad" };
        assert!(name.starts_with(kind) && name.ends_with(".json"), "{name}");
        assert_eq!(
            kind == "good",
            expected.is_none(),
            "{name}: the name says otherwise"
        );
        match (&outcome, &expected) {
            (Ok(()), None) => {}
            (Err(refusal), Some(stage)) => assert_eq!(refusal.stage.name(), stage, "{name}: {refusal}"),
            _ => panic!("{name}: {expected:?} expected, {outcome:?} found"),
        }
        if let Err(refusal) = outcome {
            assert_ne!(refusal.stage, Stage::Witness, "{name}: a verifier has no witness");
        }
        *counts.entry(kind).or_insert(0) += 1;
    }
    // As many as were there when this was written, or more.
    assert!(
        counts.get("good") >= Some(&28) && counts.get("bad") >= Some(&72),
        "{counts:?}"
    );
}
