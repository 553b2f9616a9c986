//! A seeded city: publishers of real wire formats, and replay of recordings
