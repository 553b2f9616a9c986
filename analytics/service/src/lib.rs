//! The hands of the engine: read the log, write rows, publish updates, checkpoint last
