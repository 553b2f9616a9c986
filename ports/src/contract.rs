//! One contract suite per port; every adapter runs it.

pub mod bus;
pub mod clock;
pub mod ingest_link;
