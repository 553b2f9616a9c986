//! The laws of the engine, on seeded logs against a plain model: once-only, deterministic, conserved.

mod accuracy;
mod adoption;
mod cases;
mod counters;
mod duties;
mod edges;
mod groups;
mod laws;
mod line;
mod measured;
mod model;
mod pieces;
mod revisions;
mod sessions;
mod world;
