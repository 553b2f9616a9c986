//! From the newest usable snapshot to the end of the log.

use std::time::Instant;

use nhip_engine::{Engine, EngineSettings};
use nhip_ports::{EventLog, StateStore};
use nhip_proto::{ArrivalTime, Offset};

use crate::mutant::Mutant;
use crate::service::{Config, Fault, Room, ServiceError};
use crate::telemetry;

/// The newest snapshot that is whole and whose records the log still continues; else an empty engine.
pub(crate) async fn restore(
    states: &dyn StateStore,
    log: &dyn EventLog,
    settings: EngineSettings,
    config: &Config,
) -> Result<(Engine, Offset), ServiceError> {
    let end = *log.durable().borrow();
    for saved in states.load().await? {
        if saved.applied > end {
            telemetry::snapshot_unusable(saved.applied, "it stands beyond the end of the log");
            continue;
        }
        match Engine::restore(&saved.bytes, settings.clone()) {
            Ok(mut engine) if config.fault == Some(Fault::AppliedOffsetOutside) => {
                Mutant::skip(&mut engine, saved.applied)?;
                return Ok((engine, saved.applied));
            }
            Ok(engine) if engine.applied() == saved.applied => return Ok((engine, saved.applied)),
            Ok(_) => telemetry::snapshot_unusable(saved.applied, "its inner offset differs"),
            Err(error) => telemetry::snapshot_unusable(saved.applied, &error.to_string()),
        }
    }
    Ok((Engine::new(settings), log.first()))
}

/// Applies everything durable; returns the time of the last record applied.
pub(crate) async fn to_the_end(room: &mut Room) -> Result<Option<ArrivalTime>, ServiceError> {
    let (began, from) = (Instant::now(), room.at);
    let durable = room.parts.log.durable();
    let mut last = room.engine.last_tick();
    loop {
        let end = *durable.borrow();
        if room.at >= end {
            break;
        }
        let batch = room.read().await?;
        last = batch.last().map(|logged| logged.record.at()).or(last);
        room.apply(&batch, false).await?;
    }
    // What the catch-up changed is told by the board, not as news.
    drop(room.engine.update());
    telemetry::caught_up(from, room.at, began.elapsed().as_secs_f64());
    Ok(last)
}
