//! Laws of derived figures: a plain evaluation of the same definitions, and that nothing depends on how records came.

mod changes;
mod laws;
#[path = "../laws/model.rs"]
mod measured;
mod model;
#[path = "../laws/world.rs"]
mod world;
