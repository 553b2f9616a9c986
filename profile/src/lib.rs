//! The profile language: text to a checked, compiled description of one installation.
//!
//! Pure: reading the directory is the caller's. The same text always gives the same [`Profile`].

mod model;

pub use model::*;
