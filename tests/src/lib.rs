//! What the tests of the whole program share: a node as a process, a broker as a process, a disk with a plug to pull.

mod air;
mod broker;
mod disk;
mod http;
mod load;
mod mqtt;
mod node;
mod oracle;
mod relay;
mod replayed;
mod series_server;
mod stepped;
mod wait;

pub use air::{AIR_PROFILE, AIR_START, AirNode, air_reading, air_time, air_topic, nhip, write_air_profile};
pub use broker::{Mosquitto, free_address};
pub use disk::PowerDisk;
pub use http::{get, get_json, metric, post};
pub use load::Load;
pub use mqtt::MqttWire;
pub use node::{Node, NodeOptions, binary, with_sink};
pub use oracle::{Oracle, shared_data};
pub use relay::Relay;
pub use replayed::{Account, Replayed};
pub use series_server::{Series, SeriesServer};
pub use stepped::SteppedNode;
pub use wait::{until, until_some};

/// Says that a test cannot run here, in the form `cargo xtask test` counts, and why.
#[expect(clippy::print_stdout, reason = "a test says on stdout what happened to it")]
pub fn skipped(name: &str, reason: &str) {
    println!("SKIPPED {name}: {reason}");
}

/// Whether this process may mount disks.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The seed of this run: from NHIP_TEST_SEED, or a fixed one, always printed.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests take their seed from the environment")]
#[expect(clippy::print_stdout, reason = "a random test prints its seed")]
pub fn seed(name: &str) -> u64 {
    let seed = std::env::var("NHIP_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121);
    println!("{name}: seed {seed} (NHIP_TEST_SEED)");
    seed
}

/// How many rounds a repeated fault test makes: from an environment variable outside CI, else the number CI uses.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "longer runs outside CI are asked for by the environment")]
pub fn rounds(variable: &str, in_ci: u32) -> u32 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(in_ci)
}
