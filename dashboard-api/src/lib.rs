//! Knowledge becomes pictures: REST, the live WebSocket and the static pages.
//!
//! Everything a screen gets is a function of the log up to one offset: `boards` keeps the last value of every
//! row, `session` says what one screen lacks, `http` and `socket` carry it. This room asks only ports.

mod board;
mod boards;
mod config;
mod dashboard;
mod events;
pub mod export;
mod feed;
mod feeding;
mod http;
mod hub;
mod incoming;
mod listener;
mod outbox;
mod past;
mod scope;
mod session;
mod shown;
mod snapshot;
mod socket;
mod sources;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use dashboard::{Dashboard, Parts, Readiness};
