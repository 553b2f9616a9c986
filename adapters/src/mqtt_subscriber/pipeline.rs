//! From the event loop to the disk and back: submits in order, several in flight, settled in order of
//! receipt.

use std::sync::atomic::Ordering;

use metrics::counter;
use nhip_ports::{Delivery, Durable, GapNotice, Intake, Refused};
use tokio::sync::mpsc;

use super::Shared;

/// What the event loop hands on.
#[derive(Debug)]
pub(super) enum Work {
    /// Deliveries of one connection, in order of receipt.
    Received(Received),
    /// Messages may be missing.
    Gap(GapNotice),
}

/// Deliveries of one connection and the packet ids to acknowledge.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) epoch: u64,
    pub(super) ids: Vec<u16>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) bytes: usize,
}

/// Packet ids whose deliveries are durable, and the connection they belong to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) epoch: u64,
    pub(super) ids: Vec<u16>,
}

/// Submits in order. What waits meanwhile becomes one submit, so that batches grow with the load and an idle
/// link waits for nothing.
pub(super) async fn submit_all(
    shared: &Shared,
    mut work: mpsc::Receiver<Work>,
    intake: &dyn Intake,
    submitted: mpsc::Sender<(Vec<Settled>, Durable)>,
) -> Refused {
    let mut aside = None;
    loop {
        let next = match aside.take() {
            Some(work) => Some(work),
            None => work.recv().await,
        };
        let first = match next {
            None => return std::future::pending().await,
            Some(Work::Gap(notice)) => {
                if let Err(refused) = intake.gap(notice).await {
                    return refused;
                }
                continue;
            }
            Some(Work::Received(received)) => received,
        };
        let mut settled = vec![Settled { epoch: first.epoch, ids: first.ids }];
        let (mut deliveries, mut bytes) = (first.deliveries, first.bytes);
        while deliveries.len() < shared.config.deliveries_per_submit_max
            && bytes < shared.config.bytes_per_submit_max
        {
            match work.try_recv() {
                Ok(Work::Received(received)) => {
                    settled.push(Settled { epoch: received.epoch, ids: received.ids });
                    deliveries.extend(received.deliveries);
                    bytes += received.bytes;
                }
                Ok(gap) => {
                    aside = Some(gap);
                    break;
                }
                Err(_) => break,
            }
        }
        let count = deliveries.len();
        count_deliveries(&shared.config.name, &deliveries);
        match intake.submit(deliveries).await {
            Ok(durable) => {
                shared.delivered.fetch_add(count as u64, Ordering::Relaxed);
                if submitted.send((settled, durable)).await.is_err() {
                    return std::future::pending().await;
                }
            }
            Err(refused) => return refused,
        }
    }
}

/// Waits for the disk in order and hands the packet ids back.
pub(super) async fn settle_all(
    mut submitted: mpsc::Receiver<(Vec<Settled>, Durable)>,
    settled: mpsc::Sender<Settled>,
) -> Refused {
    while let Some((batches, durable)) = submitted.recv().await {
        if let Err(refused) = durable.wait().await {
            return refused;
        }
        for batch in batches {
            if settled.send(batch).await.is_err() {
                return std::future::pending().await;
            }
        }
    }
    std::future::pending().await
}

fn count_deliveries(link: &str, deliveries: &[Delivery]) {
    let best_effort = deliveries.iter().filter(|delivery| delivery.dedication.qos == 0).count() as u64;
    let safe = deliveries.len() as u64 - best_effort;
    counter!("nhip_mqtt_deliveries_total", "link" => link.to_owned(), "qos" => "1").increment(safe);
    counter!("nhip_mqtt_deliveries_total", "link" => link.to_owned(), "qos" => "0").increment(best_effort);
}
