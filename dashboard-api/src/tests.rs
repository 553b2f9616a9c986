//! Tests of the whole room: the live protocol as a pure model and over real sockets, and every REST answer.

mod analyst;
mod duties;
pub(crate) mod fixtures;
mod guards;
mod limited;
mod model;
mod node;
mod openapi;
mod past;
mod rest;
mod revisions;
mod series;
mod sockets;
mod statistics;
