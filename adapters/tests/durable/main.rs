//! The durable adapters against files: contracts, recovery, damage, golden bytes, full disks, failing syncs.

mod contracts;
mod damage;
mod disk_full;
mod golden;
mod killed;
mod recovery;
mod stage;
mod trimming;
