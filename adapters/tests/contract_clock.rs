//! Every clock keeps the clock's promises.

use nhip_adapters::{ScaledClock, SystemClock};
use nhip_ports::Clock;
use nhip_ports::contract::clock;
use nhip_ports::memory::SteppedClock;
use nhip_proto::{ArrivalTime, SECOND};

fn clocks() -> Vec<(&'static str, Box<dyn Clock>)> {
    vec![
        ("stepped", Box::new(SteppedClock::new(ArrivalTime(0)))),
        ("system", Box::new(SystemClock::new(ArrivalTime(0)))),
        ("scaled", Box::new(ScaledClock::new(ArrivalTime(0), 20.0))),
    ]
}

#[tokio::test]
async fn every_clock_keeps_its_promises() {
    for (name, subject) in clocks() {
        println!("clock: {name}");
        clock::never_decreases(subject.as_ref());
        clock::steps_only_if_stepped(subject.as_ref());
        clock::reach_waits(subject.as_ref()).await;
    }
}

#[test]
fn the_system_clock_never_lies_below_the_last_tick() {
    let floor = SystemClock::system().plus(30 * SECOND);
    assert_eq!(SystemClock::new(floor).now(), floor);
}
