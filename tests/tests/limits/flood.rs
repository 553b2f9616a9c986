//! Strangers by the thousand: random sources and topics that no profile knows cost disk, not memory or ledger lines.

use std::time::Duration;

use nhip_tests::{MqttWire, get_json, metric, rounds, seed, until};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::start;

/// Strangers in CI; NHIP_STRANGERS asks for more (a million before a release).
const STRANGERS: u32 = 20_000;
const BATCH: u32 = 500;
/// What the log's own tail, buffers and the allocator may take meanwhile; a kept name or key each would grow on.
const GROWN_KIB_MAX: u64 = 64 * 1024;
/// Lines beside the listed sources: one per stream for those unknown to it, one for what has no stream.
const FURTHER_LINES_MAX: usize = 16;

#[test]
fn random_strangers_grow_neither_memory_nor_ledger() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path());
    let listed = get_json(node.http, "/api/v1/sources?limit=5000")["items"].as_array().map_or(0, Vec::len);
    assert!(listed > 400, "the profile lists sources");
    let mut chance = ChaCha8Rng::seed_from_u64(seed("strangers"));
    let mut wire = MqttWire::connect(node.mqtt.expect("an endpoint"), "strangers").expect("a connection");
    // The first thousand warm buffers and caches; growth is counted after them.
    flood(&mut wire, &mut chance, 1_000);
    let before = node.resident_kib();
    let strangers = rounds("NHIP_STRANGERS", STRANGERS);
    flood(&mut wire, &mut chance, strangers);
    let sent = f64::from(strangers + 1_000);
    until("all of it is applied", Duration::from_secs(120), || {
        metric(node.http, "nhip_analytics_applied_offset").is_some_and(|applied| applied > sent)
    });
    let grown = node.resident_kib().saturating_sub(before);
    println!("{strangers} strangers: memory grew by {grown} KiB");
    assert!(grown < GROWN_KIB_MAX, "{strangers} strangers cost {grown} KiB");
    let ledger = get_json(node.http, "/api/v1/ledger?limit=5000");
    let lines = ledger["items"].as_array().map_or(0, Vec::len);
    assert!(lines <= listed + FURTHER_LINES_MAX, "{lines} lines for {listed} listed sources");
    // The node tells of itself every ten seconds, however long this takes.
    let items = ledger["items"].as_array().into_iter().flatten();
    let own = items.filter(|line| line["source"] == "ioc-node").filter_map(|line| line["received"].as_f64());
    let received = ledger["total"]["received"].as_f64().map(|all| all - own.sum::<f64>());
    assert_eq!(received, Some(sent), "each of them is counted");
    assert_eq!(ledger["total"]["rejected"].as_f64(), Some(sent), "as rejected");
    let sources = get_json(node.http, "/api/v1/sources?limit=5000")["items"].as_array().map_or(0, Vec::len);
    assert!(sources <= listed + FURTHER_LINES_MAX, "{sources} sources for {listed} listed ones");
}

/// Half unknown sources of a closed stream, half topics without a route; all acknowledged.
fn flood(wire: &mut MqttWire, chance: &mut ChaCha8Rng, count: u32) {
    for _ in 0..count / BATCH {
        let topic = |index: u32| match index % 2 {
            0 => format!("nhip/v1/tay-ninh/camera/{:016x}", chance.random::<u64>()),
            _ => format!(
                "{:x}/{:x}/{:x}",
                chance.random::<u32>(),
                chance.random::<u32>(),
                chance.random::<u32>()
            ),
        };
        let topics: Vec<String> = (0..BATCH).map(topic).collect();
        let payload = br#"{"states":{"status":"online"}}"#.as_slice();
        wire.publish_all(topics.iter().map(|topic| (topic.as_str(), payload))).expect("acknowledged");
    }
}
