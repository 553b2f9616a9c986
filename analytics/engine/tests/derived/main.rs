//! Laws of derived figures: a plain evaluation of the same definitions, and that nothing depends on how records came.

mod beyond;
mod changes;
mod expected;
mod laws;
#[path = "../laws/measured.rs"]
mod measured;
#[path = "../laws/model.rs"]
mod model;
#[path = "../laws/pieces.rs"]
mod pieces;
mod sub_plans;
#[path = "../laws/world.rs"]
mod world;
