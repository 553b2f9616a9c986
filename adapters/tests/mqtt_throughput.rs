//! How fast the endpoint takes QoS 1 from 100 connections. The figure is printed; the test fails only if a
//! message is lost, doubled or acknowledged out of order (speed has its own bench).

use std::sync::Arc;
use std::time::Instant;

use nhip_adapters::{MqttEndpoint, MqttEndpointConfig};
use nhip_ports::IngestLink;
use nhip_ports::memory::RecordingIntake;
use tokio_util::sync::CancellationToken;

#[path = "mqtt/wire.rs"]
mod wire;

use wire::{Wire, puback_id, publish_3};

const CONNECTIONS: usize = 100;
const ROUNDS: u16 = 40;
const WINDOW: u16 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_connections_lose_nothing() {
    let config = MqttEndpointConfig { listen: ([127, 0, 0, 1], 0).into(), ..MqttEndpointConfig::default() };
    let endpoint = Arc::new(MqttEndpoint::bind(config).await.expect("binds"));
    let (intake, stop) = (RecordingIntake::settling(), CancellationToken::new());
    let task = tokio::spawn({
        let (endpoint, intake, stop) = (Arc::clone(&endpoint), Arc::clone(&intake), stop.clone());
        async move { endpoint.run(intake, stop).await }
    });
    let addr = endpoint.addr();
    let started = Instant::now();
    let device = |number: usize| async move {
        let mut wire = Wire::connected_3(addr, &format!("device{number}")).await;
        let topic = format!("nhip/v1/t/air/st{number}");
        let payload = [b'x'; 200];
        for round in 0..ROUNDS {
            let ids = round * WINDOW + 1..=(round + 1) * WINDOW;
            let burst: Vec<u8> = ids.clone().flat_map(|id| publish_3(&topic, Some(id), &payload)).collect();
            wire.write(&burst).await;
            for id in ids {
                assert_eq!(puback_id(&wire.next().await.expect("PUBACK")), Some(id), "in order");
            }
        }
    };
    let devices: Vec<_> = (0..CONNECTIONS).map(|number| tokio::spawn(device(number))).collect();
    for device in devices {
        device.await.expect("every acknowledgement came in order");
    }
    let total = CONNECTIONS * usize::from(ROUNDS) * usize::from(WINDOW);
    let seconds = started.elapsed().as_secs_f64();
    let seen = intake.recorded();
    assert_eq!(seen.deliveries.len(), total, "each once");
    println!(
        "{total} QoS 1 messages in {seconds:.2} s: {:.0}/s in {} submits",
        total as f64 / seconds,
        seen.submits.len()
    );
    stop.cancel();
    task.await.expect("does not panic").expect("stopping is no error");
}
