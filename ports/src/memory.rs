//! In-memory versions of the ports, for tests and simulation.
