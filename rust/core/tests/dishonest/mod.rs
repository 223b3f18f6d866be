//! Dishonest provers. Every check and every rule of order earns its place: a lie is refused with it and accepted without it.
//! The provers themselves are in `common/lies`.

mod accuracy;
mod batch;
mod constraints;
mod grinding;
mod labels;
mod masking;
mod multiplicities;
mod optimum;
mod order_accuracy;
mod order_closing;
mod order_masking;
mod order_optimum;
mod order_receipt;
mod order_relation;
mod order_statement;
mod receipt;
mod statement;
mod suites;
mod values;
