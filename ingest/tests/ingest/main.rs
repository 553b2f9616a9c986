//! The ingest room seen from outside: each dialect by tables, bytes at random, and the room over ports in
//! memory.

mod canary;
mod circular_10;
mod foreign;
mod imports;
mod json_map;
mod native_json;
mod native_protobuf;
mod retention;
mod room;
mod room_order;
mod route;
mod sparkplug_b;
mod split;
mod stage;
