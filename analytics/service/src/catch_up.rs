//! From the newest usable snapshot to the end of the log.

use std::time::Instant;

use nhip_engine::{Engine, EngineSettings};
use nhip_ports::{EventLog, LogBatch, LogError, StateStore};
use nhip_proto::{ArrivalTime, Offset};
use tokio::task::JoinHandle;

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

/// Applies everything durable; returns the time of the last record applied. The next batch is read and decoded
/// while the engine applies this one.
pub(crate) async fn to_the_end(room: &mut Room) -> Result<Option<ArrivalTime>, ServiceError> {
    let (began, from) = (Instant::now(), room.at);
    let mut last = room.engine.last_tick();
    let mut reading = ahead(room, room.at);
    loop {
        let batch = reading.await.map_err(|error| ServiceError::Thread(error.to_string()))??;
        let Some(end) = batch.last() else { break };
        last = Some(end.record.at());
        reading = ahead(room, end.offset.next());
        room.apply(&batch, false).await?;
    }
    // What the catch-up changed is told by the board, not as news.
    drop(room.engine.update());
    telemetry::caught_up(from, room.at, began.elapsed().as_secs_f64());
    Ok(last)
}

fn ahead(room: &Room, from: Offset) -> JoinHandle<Result<LogBatch, LogError>> {
    let (log, limit) = (room.parts.log.clone(), room.limit());
    tokio::spawn(async move { log.read(from, limit).await })
}
