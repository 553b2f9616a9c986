//! The live protocol over real sockets: random cuts, a screen that never reads, floods, stops.

use std::time::{Duration, Instant};

use nhip_client::{Applied, Client, ClientError, Keep, Table};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::fixtures::{figure, profile};
use super::node::TestNode;
use crate::Config;

/// Everything here happens within milliseconds; this is only a bound for a hang.
const WAIT_MAX: Duration = Duration::from_secs(20);

async fn wall(node: &TestNode, table: Table) -> Client {
    let connecting = Client::connect(node.options(), table);
    timeout(WAIT_MAX, connecting).await.expect("a connection in time").expect("a connection")
}

async fn until(client: &mut Client, done: impl Fn(&Client, &Applied) -> bool) {
    let reading = async {
        loop {
            let received = client.next().await.expect("a frame");
            if done(client, &received.applied) {
                return;
            }
        }
    };
    timeout(WAIT_MAX, reading).await.expect("the awaited frame in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts_leave_no_gap_and_resume() {
    let node = TestNode::start(profile(20), Config::default()).await;
    let mut dice = Dice::new(20_261_121);
    let mut table = Table::new(Keep::Rows);
    Client::load(&node.options(), &mut table).await.expect("a snapshot");
    let mut last = 42;
    for round in 0..1_000_i128 {
        let mut client = wall(&node, table).await;
        for change in 0..dice.below(4) {
            let area = format!("c{:03}", 1 + dice.below(20));
            last = node.analysis.publish(vec![figure(
                "env.pm25",
                &area,
                Some(round * 8 + i128::from(change)),
                2,
            )]);
        }
        for _ in 0..dice.below(4) {
            // Cut at any frame, or while one is on its way.
            if timeout(Duration::from_millis(dice.below(8)), client.next()).await.is_err() {
                break;
            }
        }
        table = client.into_table();
    }
    let mut client = wall(&node, table).await;
    until(&mut client, |client, _| client.table().position() >= last).await;
    let counters = *client.table().counters();
    assert_eq!((counters.gaps, counters.duplicates, counters.resets), (0, 0, 0), "seed {}", dice.seed);
    let welcomes = counters.resumes + counters.snapshots;
    assert!(welcomes >= 500, "most rounds saw their welcome: {counters:?}");
    assert!(counters.resumes * 100 >= welcomes * 95, "at least 95 % resumed: {counters:?}");
    let mut fresh = Table::new(Keep::Rows);
    Client::load(&node.options(), &mut fresh).await.expect("a snapshot");
    assert_eq!(
        client.table().rows(),
        fresh.rows(),
        "resumed and fresh tables are equal (seed {})",
        dice.seed
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_that_never_reads_delays_nobody_and_is_left() {
    let config = Config { send_ms_max: 400, ..Config::default() };
    let node = TestNode::start(profile(200), config).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let stream = socket.connect(node.address.parse().expect("an address")).await.expect("a connection");
    let mut options = node.options();
    options.rate_ms = 0;
    let mut stalled =
        Client::over(stream, options.clone(), Table::new(Keep::Position)).await.expect("a session");
    let mut good = Client::connect(options, Table::new(Keep::Rows)).await.expect("a session");
    until(&mut good, |_, applied| *applied == Applied::Snap { done: true }).await;
    let (mut slowest, began, mut round) = (Duration::ZERO, Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(3) {
        round += 1;
        let figures =
            (1..=200).map(|area| figure("env.pm25", &format!("c{area:03}"), Some(round), 3)).collect();
        let sent = Instant::now();
        let offset = node.analysis.publish(figures);
        until(&mut good, |client, _| client.table().position() >= offset).await;
        slowest = slowest.max(sent.elapsed());
    }
    assert!(slowest < Duration::from_millis(500), "another screen waited {slowest:?}");
    assert!(round > 100, "only {round} rounds");
    // The stalled one was cut off: what it can still read ends.
    let rest = async { while stalled.next().await.is_ok() {} };
    timeout(WAIT_MAX, rest).await.expect("the stalled session was ended by the server");
    assert!(stalled.table().counters().deltas < u64::try_from(round).expect("few rounds") * 3);
}

#[tokio::test]
async fn rubbish_and_floods_end_in_a_goodbye() {
    let node = TestNode::start(profile(3), Config::default()).await;
    for rubbish in ["", "[]", "{\"t\":7}", "nhip", "{\"t\":\"ping\"}", "{\"t\":\"hello\",\"v\":1}"] {
        let mut client = wall(&node, Table::new(Keep::Rows)).await;
        until(&mut client, |_, applied| *applied == Applied::Snap { done: true }).await;
        client.send(rubbish).await.expect("sent");
        until(&mut client, |_, applied| matches!(applied, Applied::Bye { code: 4002, .. })).await;
        assert!(matches!(client.next().await, Err(ClientError::Ended)), "closed after {rubbish:?}");
    }
    let mut client = wall(&node, Table::new(Keep::Rows)).await;
    for _ in 0..200 {
        client.ping(1).await.expect("sent");
    }
    until(&mut client, |_, applied| matches!(applied, Applied::Bye { code: 4002, .. })).await;
    let mut client = wall(&node, Table::new(Keep::Rows)).await;
    let huge = format!("{{\"t\":\"stat\",\"x\":\"{}\"}}", "x".repeat(70_000));
    client.send(&huge).await.unwrap_or_default();
    let ended = async { while client.next().await.is_ok() {} };
    timeout(WAIT_MAX, ended).await.expect("a frame beyond 64 KiB ends the session");
}

#[tokio::test]
async fn no_hello_and_unknown_views_end_in_a_goodbye() {
    let node = TestNode::start(profile(3), Config { hello_ms_max: 50, ..Config::default() }).await;
    let mut options = node.options();
    options.view = "none".to_owned();
    let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a session");
    until(&mut client, |_, applied| matches!(applied, Applied::Bye { code: 4002, .. })).await;
}

#[tokio::test]
async fn heartbeats_come_every_second_and_pings_are_answered() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let mut client = wall(&node, Table::new(Keep::Rows)).await;
    client.ping(123).await.expect("sent");
    until(&mut client, |_, applied| *applied == Applied::Pong).await;
    until(&mut client, |_, applied| matches!(applied, Applied::Heartbeat { .. })).await;
    let first = Instant::now();
    until(&mut client, |_, applied| *applied == Applied::Heartbeat { clock_ms: 1_795_244_462_000 }).await;
    let apart = first.elapsed();
    assert!(apart > Duration::from_millis(700) && apart < Duration::from_millis(2_500), "{apart:?}");
}

#[tokio::test]
async fn another_profile_resets_every_screen() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let mut client = wall(&node, Table::new(Keep::Rows)).await;
    until(&mut client, |_, applied| *applied == Applied::Snap { done: true }).await;
    let mut other = (*profile(6)).clone();
    other.hash = [1; 16];
    node.profile.send_replace(std::sync::Arc::new(other));
    until(&mut client, |client, _| client.table().rows().len() == 8).await;
    let counters = client.table().counters();
    assert_eq!((counters.resets, counters.gaps, counters.duplicates), (1, 0, 0));
    let offset = node.analysis.publish(vec![figure("env.pm25", "c006", Some(11), 3)]);
    until(&mut client, |client, _| client.table().position() >= offset).await;
    let row = client.table().row("env.pm25", "c006").expect("the new row");
    assert_eq!(row.v.as_ref().map(ToString::to_string).as_deref(), Some("1.1"));
}

#[tokio::test]
async fn a_stop_says_when_to_come_back() {
    let mut node = TestNode::start(profile(3), Config::default()).await;
    let mut client = wall(&node, Table::new(Keep::Rows)).await;
    until(&mut client, |_, applied| *applied == Applied::Snap { done: true }).await;
    node.stop.cancel();
    until(&mut client, |_, applied| matches!(applied, Applied::Bye { code: 1012, retry_ms: 1.. })).await;
    assert!(matches!(client.next().await, Err(ClientError::Ended)));
    let served = timeout(WAIT_MAX, &mut node.served).await.expect("the server ends in time");
    assert!(served.expect("no panic").is_ok());
}

#[tokio::test]
async fn places_are_bounded_and_given_back() {
    let node = TestNode::start(profile(3), Config { sessions_max: 1, ..Config::default() }).await;
    let mut first = wall(&node, Table::new(Keep::Rows)).await;
    until(&mut first, |_, applied| *applied == Applied::Snap { done: true }).await;
    let second = Client::connect(node.options(), Table::new(Keep::Rows)).await;
    assert!(matches!(second.err(), Some(ClientError::Status(503))), "the second finds no place");
    drop(first);
    let again = async {
        while Client::connect(node.options(), Table::new(Keep::Rows)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT_MAX, again).await.expect("the place is given back");
}

/// Seeded randomness that names its seed (splitmix64).
struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
