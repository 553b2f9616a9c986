//! Stories and faults on the real binary
