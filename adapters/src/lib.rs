//! The outside: one file per port and technology
