//! Random rows with revisions against a store that looks at every row, at random moments of knowledge.

use nhip_ports::RestatementQuery;
use proptest::prelude::*;

use super::*;

/// What happens between two questions.
#[derive(Clone, Debug)]
enum Act {
    /// Rows of a Tick: area, hour, whether by another definition.
    Write(Vec<(u8, i64, bool)>),
    Seal,
    /// Killed and opened again; the last Ticks are written a second time.
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let window = (0..3_u8, prop_oneof![0..60_i64, 700..760_i64, 1_500..1_510_i64], prop::bool::weighted(0.1));
    let act = prop_oneof![
        6 => prop::collection::vec(window, 1..12).prop_map(Act::Write),
        2 => Just(Act::Seal),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_store_says_what_the_model_says(acts in acts(), moments in prop::collection::vec(0_u64..700, 8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(play(acts, moments));
    }
}

async fn play(acts: Vec<Act>, moments: Vec<u64>) {
    let directory = tempfile::tempdir().expect("a directory");
    let (landing, model) = (Arc::new(MemoryRows::default()), MemoryRows::default());
    let mut store = open(directory.path(), &landing).await;
    let mut revisions = std::collections::BTreeMap::new();
    let mut written: Vec<(u64, Vec<Row>)> = Vec::new();
    for (number, act) in (1..).zip(acts) {
        let tick = number * 10;
        match act {
            Act::Write(windows) => {
                let mut rows: Vec<Row> = Vec::new();
                for (area, hour, other) in windows {
                    let area = ["25459", "25460", "80"][usize::from(area)];
                    let next = revisions.entry((area, hour, other)).or_insert(0_u32);
                    let mut new = row(tick, area, hour, *next, i64::from(*next) + hour);
                    new.definition = if other { [9; 16] } else { [7; 16] };
                    // A restated row is known some records before its Tick.
                    new.known_offset = Offset(tick - u64::from(*next % 3));
                    let twice = rows.iter().any(|row| row.key == new.key);
                    if !twice {
                        *next += 1;
                        rows.push(new);
                    }
                }
                for rows_of in [&*store as &dyn RowStore, &model] {
                    rows_of.write(Offset(tick), &rows).await.expect("written");
                }
                written.push((tick, rows));
            }
            Act::Seal => {
                landing.close().await.expect("closed");
                store.seal().await.expect("sealed");
            }
            Act::Restart => {
                drop(store);
                store = open(directory.path(), &landing).await;
                for (tick, rows) in written.iter().rev().take(3).rev() {
                    store.write(Offset(*tick), rows).await.expect("written again");
                }
            }
        }
    }
    compare(&store, &model, &moments).await;
}

async fn compare(store: &Arc<SeriesStore>, model: &MemoryRows, moments: &[u64]) {
    let history = SeriesHistory::new(Arc::clone(store));
    let (ours, theirs) = (
        store.ticks(Offset(0), Offset(u64::MAX), usize::MAX).await.expect("rows"),
        model.ticks(Offset(0), Offset(u64::MAX), usize::MAX).await.expect("rows"),
    );
    assert_eq!(ours, theirs, "every row of every Tick");
    let known =
        |moment: &u64| [AsOf::Offset(Offset(*moment)), AsOf::At(row(*moment, "80", 0, 0, 0).known_at)];
    for as_of in moments.iter().flat_map(known).chain([AsOf::Now]) {
        for area in ["25459", "25460", "80"] {
            let query = all_of(area, as_of);
            let ours = history.series(query.clone()).await.expect("a series");
            assert_eq!(ours, model.series(query.clone()).await.expect("a series"), "{area} {as_of:?}");
            let figures = history.figures(query.clone()).await.expect("figures");
            assert_eq!(figures, model.figures(query.clone()).await.expect("figures"), "{area} {as_of:?}");
            let part = SeriesQuery {
                from: EventTime(FIRST + 3 * HOUR),
                to: EventTime(FIRST + 720 * HOUR),
                windows_max: 7,
                ..query
            };
            let ours = history.series(part.clone()).await.expect("a series");
            assert_eq!(ours, model.series(part).await.expect("a series"), "a part of {area} {as_of:?}");
        }
        let asked = RestatementQuery {
            indicator: nhip_proto::IndicatorId::new("env.pm25"),
            area: None,
            group: None,
            from: EventTime(FIRST),
            to: EventTime(FIRST + 1_000 * HOUR),
            as_of,
            rows_max: 100_000,
        };
        let ours = history.replaced(asked.clone()).await.expect("restatements");
        assert_eq!(ours, model.replaced(asked).await.expect("restatements"), "{as_of:?}");
    }
}
