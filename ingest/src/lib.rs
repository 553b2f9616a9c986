//! Bytes become durable records: route, decode, seal, append, acknowledge
