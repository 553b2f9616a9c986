//! The doors to the outside: one trait each, with its promise written above it, an in-memory version for tests
//! ([`memory`]) and one contract suite ([`contract`]) that every adapter runs.

mod analysis;
mod analyst;
mod bus;
mod clock;
mod event_log;
mod file_step;
mod history;
mod ingest_link;
mod key_store;
mod past;
mod revisions;
mod row_store;
mod series_sink;
mod state_store;
mod statistics;
mod tokens;

pub mod contract;
pub mod memory;

pub use analysis::{
    Analysis, AnalysisError, Explanation, FigureQuery, RejectionQuery, RejectionRow, SampleRecord,
    SealedSample, SourceRow,
};
pub use analyst::{ANALYST_PARTS_MAX, Analyst, AnalystAnswer, AnalystError};
pub use bus::{Bus, Lagged, Subscription};
pub use clock::{Clock, ClockError};
pub use event_log::{Appended, Commit, EventLog, LogBatch, LogError, ReadLimit, SegmentHead};
pub use file_step::{FileAct, FileStep, FileWork, watch_file_steps};
pub use history::{
    AsOf, History, HistoryError, Replaced, RestatementQuery, SeriesKey, SeriesQuery, figure_of, known_order,
};
pub use ingest_link::{
    CommandLink, Delivery, Durable, GapNotice, IngestLink, Intake, LinkError, OutgoingCommand, Refused,
};
pub use key_store::{DataKey, DestroyedKey, Destruction, KeyClass, KeyError, KeyStore, class_and_end};
pub use past::{PastBoard, PastError, PastMoment};
pub use revisions::{
    ProfileApplied, REPORT_OFFSETS_MAX, RedecodeOrder, RedecodeReport, RestateOrder, RestateReport,
    RestatedFigure, RevisionError, Revisions, UNSEAL_OFFSETS_MAX, UnsealOrder,
};
pub use row_store::{Landing, RowStore, RowStoreError, TickRows};
pub use series_sink::{PositionError, SeriesSink, SinkError, SinkPosition, SinkPositions};
pub use state_store::{KeptState, SavedState, StateError, StateStore};
pub use statistics::{
    CellMistake, DocumentKind, FigureChange, ImportError, ImportIndex, ImportOrder, ImportRecord,
    ImportReport, MistakeKind, Statistics, WrittenPage, WrittenQuery, cell_address,
};
pub use tokens::{Grant, SCOPE_ALL, TokenRefusal, Tokens};
