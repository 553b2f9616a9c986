//! Every revision of every figure: new rows in row files and in memory, older ones in Parquet by day and month.

mod columns;
mod cursor;
mod file;
mod fill;
mod hot;
mod listing;
mod merge;
mod order;
mod positioned;
mod query;
mod seal;
mod store;
mod stretch;
mod texts;
mod ticks;
mod write;

pub use fill::{FilledMonth, Filling};
pub use listing::sealed_files;
pub use query::SeriesHistory;
pub use seal::Sealed;
pub use store::{SeriesError, SeriesStore};
pub use write::parquet_of;

#[cfg(test)]
mod tests;
