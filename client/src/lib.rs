//! The reference client of the live protocol `nhip.v1` (docs/live-protocol.md), used by tests and bench.
//!
//! [`Table`] is pure: frames in, the screen's table and counts of everything that went wrong out.
//! [`Client`] adds the socket. It keeps little memory, so that thousands run in one process.

mod connection;
mod frame;
mod http;
mod table;

pub use connection::{Client, ClientError, ClientOptions, Received};
pub use frame::{Change, RowObject};
pub use http::{HttpConnection, HttpResponse, http_get, http_get_json, http_post};
pub use table::{Applied, Counters, Keep, Refused, Resume, Table, TableRow};
