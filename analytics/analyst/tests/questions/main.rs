//! Questions to files written by the real series store and archive: answers against a naive computation, refusals,
//! bounds.

mod answers;
mod bounds;
mod documented;
mod files;
mod socket;
mod stage;
