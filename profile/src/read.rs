//! Reading one TOML table key by key, so that every mistake is found in one pass and none is told twice.

mod csv_table;
mod section;
mod text;

pub(crate) use csv_table::{CsvRow, CsvTable};
pub(crate) use section::Section;
pub(crate) use text::{At, FileText, Findings};
