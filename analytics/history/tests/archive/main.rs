//! The archive against what can happen to it: every record, every crash, every flipped byte, every condition of
//! trimming.

#![expect(clippy::print_stdout, reason = "a random test tells its seed")]

mod crash;
mod damage;
mod keeping;
mod stage;
#[path = "../../../../proto/tests/records/strategy.rs"]
mod strategy;
mod survival;
