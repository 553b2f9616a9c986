//! The past on the real program, where most of it lies in the archive alone: figures computed again, a new indicator
//! over windows long forgotten, and the payloads behind a figure opened on the machine.

#[path = "recompute/new_indicator.rs"]
mod new_indicator;
#[path = "recompute/stage.rs"]
mod stage;
#[path = "recompute/trimmed.rs"]
mod trimmed;
#[path = "recompute/unseal.rs"]
mod unseal;
