//! The sink's follower: nothing missing, the newest stands, whatever fails, stops or is killed in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use nhip_analytics::{SinkFollower, SinkPace};
use nhip_ports::contract::row_store::row;
use nhip_ports::memory::{MemoryPosition, MemoryRows, MemorySink};
use nhip_ports::{RowStore, SeriesSink, SinkError, SinkPosition, SinkPositions};
use nhip_proto::{Offset, Row};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Far beyond every pause of the follower; the clock of these tests jumps over it.
const LONG: Duration = Duration::from_secs(3_600);

struct Stage {
    rows: Arc<MemoryRows>,
    sink: Arc<MemorySink>,
    position: Arc<MemoryPosition>,
    batch_rows_max: usize,
}

impl Stage {
    fn new(batch_rows_max: usize) -> Self {
        Self { rows: Arc::default(), sink: Arc::default(), position: Arc::default(), batch_rows_max }
    }

    fn start(&self) -> (JoinHandle<()>, CancellationToken) {
        self.start_with(self.sink.clone())
    }

    fn start_with(&self, sink: Arc<dyn SeriesSink>) -> (JoinHandle<()>, CancellationToken) {
        let pace = SinkPace { batch_rows_max: self.batch_rows_max, ..SinkPace::default() };
        let follower = SinkFollower::new(self.rows.clone(), sink, self.position.clone(), pace);
        let stop = CancellationToken::new();
        (tokio::spawn(follower.run(stop.clone())), stop)
    }

    /// Follows until there is nothing left to do.
    async fn follow(&self) {
        let (task, stop) = self.start();
        tokio::time::sleep(LONG).await;
        stop.cancel();
        task.await.expect("the follower ends when told");
    }

    async fn tick(&self, tick: u64, names: &[(&str, u32)]) {
        let rows: Vec<Row> = names.iter().map(|(name, revision)| row(tick, name, *revision)).collect();
        self.rows.write(Offset(tick), &rows).await.expect("written");
    }

    /// Figure and revision of what stands.
    fn stands(&self) -> Vec<(String, u32)> {
        let stands = self.sink.stands();
        stands.iter().map(|row| (row.key.indicator.to_string(), row.revision)).collect()
    }
}

fn unavailable() -> SinkError {
    SinkError::Unavailable { reason: "server_error", detail: "down".to_owned(), after: None }
}

fn named(stands: &[(&str, u32)]) -> Vec<(String, u32)> {
    stands.iter().map(|(name, revision)| ((*name).to_owned(), *revision)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tick_larger_than_a_batch_is_told_in_turns() {
    for batch_rows_max in 1..6 {
        let stage = Stage::new(batch_rows_max);
        stage.tick(5, &[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)]).await;
        stage.tick(6, &[]).await;
        stage.tick(9, &[("a", 1), ("f", 0)]).await;
        stage.follow().await;
        let want = named(&[("a", 1), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0)]);
        assert_eq!(stage.stands(), want, "batches of {batch_rows_max}");
        let attempts = stage.sink.attempts();
        assert_eq!(attempts.iter().map(Vec::len).sum::<usize>(), 7, "each row once");
        assert!(attempts.iter().all(|batch| batch.len() <= batch_rows_max));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_gets_the_same_batch_until_it_takes_it() {
    let stage = Stage::new(2);
    stage.tick(5, &[("a", 0), ("b", 0), ("c", 0)]).await;
    stage.sink.fail(std::iter::repeat_n(unavailable(), 20));
    stage.follow().await;
    let attempts = stage.sink.attempts();
    assert!(attempts[..21].iter().all(|batch| batch == &attempts[0]), "nothing newer comes before it");
    assert_eq!(attempts.len(), 22);
    assert_eq!(stage.stands(), named(&[("a", 0), ("b", 0), ("c", 0)]));
}

#[tokio::test(start_paused = true)]
async fn hours_of_failure_are_few_attempts_and_a_stop_does_not_wait_for_them() {
    let stage = Stage::new(10);
    stage.tick(5, &[("a", 0)]).await;
    stage.sink.fail(std::iter::repeat_n(unavailable(), 100_000));
    let began = tokio::time::Instant::now();
    let (task, stop) = stage.start();
    tokio::time::sleep(3 * LONG).await;
    stop.cancel();
    task.await.expect("ended");
    assert_eq!(began.elapsed(), 3 * LONG, "stopped at once");
    let attempts = stage.sink.attempts().len();
    assert!((150..=220).contains(&attempts), "about one a minute: {attempts}");
    assert_eq!(stage.position.load().await, Ok(None), "and nothing counts as told");
}

/// Takes so many batches, then one more of which nobody hears: the moment before kill -9.
struct Silenced {
    sink: Arc<MemorySink>,
    answers_left: AtomicUsize,
}

#[async_trait]
impl SeriesSink for Silenced {
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError> {
        let written = self.sink.write(rows).await;
        if self.answers_left.load(Ordering::Relaxed) == 0 {
            std::future::pending::<()>().await;
        }
        self.answers_left.fetch_sub(1, Ordering::Relaxed);
        written
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_repeats_at_most_a_batch() {
    let stage = Stage::new(2);
    for tick in 1..=20 {
        stage.tick(tick * 10, &[("a", tick as u32), ("b", tick as u32), ("c", tick as u32)]).await;
    }
    for kill in 0..10 {
        let silenced = Silenced { sink: stage.sink.clone(), answers_left: AtomicUsize::new(kill % 4) };
        let (task, _stop) = stage.start_with(Arc::new(silenced));
        tokio::time::sleep(LONG).await;
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
    stage.follow().await;
    assert_eq!(stage.stands(), named(&[("a", 20), ("b", 20), ("c", 20)]));
    let rows: usize = stage.sink.attempts().iter().map(Vec::len).sum();
    assert_eq!(rows, 60 + 10 * 2, "each kill repeats the one batch it lost the answer of");
}

#[tokio::test(start_paused = true)]
async fn rows_that_are_refused_are_left_out_alone() {
    let stage = Stage::new(8);
    stage.tick(5, &[("a", 0), ("b", 0), ("bad", 0), ("c", 0), ("d", 0)]).await;
    stage.tick(6, &[("e", 0)]).await;
    stage.sink.refuse("bad");
    stage.follow().await;
    assert_eq!(stage.stands(), named(&[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)]));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_took_anything_is_not_believed_when_it_refuses_everything() {
    let stage = Stage::new(8);
    stage.tick(5, &[("bad", 0)]).await;
    stage.sink.refuse("bad");
    stage.follow().await;
    assert_eq!(stage.position.load().await, Ok(None), "nothing is given up");
    stage.sink.refuse("none");
    stage.follow().await;
    assert_eq!(stage.stands(), named(&[("bad", 0)]), "once the address is right it is all there");
}

#[tokio::test(start_paused = true)]
async fn a_position_beyond_the_rows_begins_at_their_end() {
    let stage = Stage::new(8);
    stage.tick(5, &[("a", 0)]).await;
    stage.position.save(SinkPosition { tick: Offset(900), rows: 2 }).await.expect("saved");
    let (task, stop) = stage.start();
    tokio::time::sleep(LONG).await;
    stage.tick(6, &[("b", 0)]).await;
    tokio::time::sleep(LONG).await;
    stop.cancel();
    task.await.expect("ended");
    assert_eq!(stage.stands(), named(&[("b", 0)]), "a data directory was put back to an older day");
}

#[tokio::test(start_paused = true)]
async fn what_if_runs_are_not_told() {
    let stage = Stage::new(8);
    let what_if = Row { lineage: "run-1".to_owned(), ..row(5, "b", 0) };
    stage.rows.write(Offset(5), &[row(5, "a", 0), what_if]).await.expect("written");
    stage.follow().await;
    assert_eq!(stage.stands(), named(&[("a", 0)]));
}
