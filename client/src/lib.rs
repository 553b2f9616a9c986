//! The reference client of the live protocol, used by tests and bench
