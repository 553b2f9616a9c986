//! Every bound of an import (docs/limits.md).

/// Bytes of a document.
pub const IMPORT_BYTES_MAX: usize = 16 << 20;
/// Rows with something in them below the headings.
pub const IMPORT_ROWS_MAX: u64 = 100_000;
/// Figures and words of one import: each becomes an item of its row's record.
pub(super) const IMPORT_ITEMS_MAX: u64 = 1_000_000;
/// Mistakes listed by cell; all are counted.
pub(super) const MISTAKES_LISTED_MAX: usize = 100_000;
/// Changed figures listed by cell; all are counted.
pub(super) const CHANGES_LISTED_MAX: usize = 1_000;
/// Cells of a row.
pub(super) const COLUMNS_MAX: usize = 256;
/// Bytes of the text of a cell.
pub(super) const TEXT_BYTES_MAX: usize = 32_768;
/// Rows above the headings.
pub(super) const TITLE_ROWS_MAX: u32 = 50;
/// Files inside a workbook.
pub(super) const MEMBERS_MAX: usize = 1_000;
/// Bytes one file inside a workbook may unpack to.
pub(super) const UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// Texts a workbook keeps apart from its cells.
pub(super) const STRINGS_MAX: usize = 1_000_000;
/// Bytes of these texts.
pub(super) const STRINGS_BYTES_MAX: usize = 64 << 20;
/// Formats of cells.
pub(super) const STYLES_MAX: usize = 65_536;
/// Sheets.
pub(super) const SHEETS_MAX: usize = 256;
/// Merged areas of a sheet.
pub(super) const MERGES_MAX: usize = 10_000;
/// Imports that are known again when their document comes again.
pub(super) const IMPORTS_KNOWN_MAX: usize = 100_000;
/// Standing figures a preview compares with.
pub(super) const FIGURES_KNOWN_MAX: usize = 1_000_000;
/// Entries one question looks at; it says where to go on.
pub(super) const ENTRIES_READ_MAX: usize = 20_000;
