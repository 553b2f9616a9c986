//! The laws of the engine, on seeded logs against a plain model: once-only, deterministic, conserved.

mod adoption;
mod duties;
mod edges;
mod laws;
mod line;
mod model;
mod revisions;
mod sessions;
mod world;
