//! One contract suite per port; every adapter runs it.

pub mod analyst;
pub mod bus;
pub mod clock;
pub mod event_log;
pub mod history;
pub mod ingest_link;
pub mod key_store;
pub mod row_store;
pub mod series_sink;
pub mod state_store;
