//! The laws of the engine, on seeded logs against a plain model: once-only, deterministic, conserved.

mod laws;
mod model;
mod world;
