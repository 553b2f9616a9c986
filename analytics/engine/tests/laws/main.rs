//! The laws of the engine, on seeded logs against a plain model: once-only, deterministic, conserved.

mod adoption;
mod laws;
mod model;
mod sessions;
mod world;
