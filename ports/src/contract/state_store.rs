//! The promises of [`StateStore`]: newest first, at least two kept, one snapshot per offset, and what is kept for the
//! past stays until it is forgotten.

use nhip_proto::{ArrivalTime, Offset};

use crate::{KeptState, SavedState, StateStore};

/// Runs every promise against empty stores made by `make`.
pub async fn all(make: impl Fn() -> Box<dyn StateStore>) {
    an_empty_store_has_none(make().as_ref()).await;
    the_newest_comes_first_and_two_are_kept(make().as_ref()).await;
    the_same_offset_is_one_snapshot(make().as_ref()).await;
    any_bytes_come_back(make().as_ref()).await;
    what_is_kept_stays_until_it_is_forgotten(make().as_ref()).await;
}

/// No snapshot is no error.
pub async fn an_empty_store_has_none(store: &dyn StateStore) {
    assert_eq!(load(store).await, Vec::new(), "an empty store has no snapshot");
}

/// Many saves leave the newest ones, newest first.
pub async fn the_newest_comes_first_and_two_are_kept(store: &dyn StateStore) {
    for applied in [1, 5, 9, 200, 1_000] {
        save(store, applied, &[applied as u8; 64]).await;
    }
    let kept = load(store).await;
    assert!(kept.len() >= 2, "at least two snapshots are kept");
    let newest = SavedState { applied: Offset(1_000), bytes: vec![1_000_u64 as u8; 64] };
    assert_eq!(kept.first(), Some(&newest), "the newest comes first");
    assert_eq!(kept.get(1).map(|state| state.applied), Some(Offset(200)), "then the one before");
}

/// Saving again at the same offset replaces.
pub async fn the_same_offset_is_one_snapshot(store: &dyn StateStore) {
    save(store, 3, b"first").await;
    save(store, 3, b"second").await;
    let want = vec![SavedState { applied: Offset(3), bytes: b"second".to_vec() }];
    assert_eq!(load(store).await, want, "one snapshot per offset");
}

/// Empty and large snapshots are snapshots.
pub async fn any_bytes_come_back(store: &dyn StateStore) {
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    save(store, 1, b"").await;
    save(store, 2, &large).await;
    let loaded: Vec<Vec<u8>> = load(store).await.into_iter().map(|state| state.bytes).collect();
    assert_eq!(loaded, vec![large, Vec::new()], "bytes come back as they were saved");
}

/// Saving ever more removes nothing that is kept, and what is kept never stands among the newest.
pub async fn what_is_kept_stays_until_it_is_forgotten(store: &dyn StateStore) {
    let first = KeptState { applied: Offset(7), at: ArrivalTime(7_000) };
    let second = KeptState { applied: Offset(90), at: ArrivalTime(90_000) };
    for kept in [second, first] {
        let state = SavedState { applied: kept.applied, bytes: vec![kept.applied.0 as u8; 40] };
        store.keep(kept.at, state).await.unwrap_or_else(|error| panic!("keep refused: {error}"));
    }
    for applied in 100..120 {
        save(store, applied, b"newer").await;
    }
    assert_eq!(kept(store).await, vec![first, second], "kept, in the order of their offsets");
    assert!(load(store).await.iter().all(|state| state.applied >= Offset(100)), "none of the newest");
    let recalled = store.recall(first).await.unwrap_or_else(|error| panic!("recall refused: {error}"));
    assert_eq!(recalled, Some(SavedState { applied: Offset(7), bytes: vec![7; 40] }), "as it was kept");
    for _ in 0..2 {
        store.forget(first).await.unwrap_or_else(|error| panic!("forget refused: {error}"));
    }
    assert_eq!(kept(store).await, vec![second], "only what was forgotten is gone");
    let recalled = store.recall(first).await.unwrap_or_else(|error| panic!("recall refused: {error}"));
    assert_eq!(recalled, None, "what is gone is no error");
}

async fn kept(store: &dyn StateStore) -> Vec<KeptState> {
    store.kept().await.unwrap_or_else(|error| panic!("no list of what is kept: {error}"))
}

async fn save(store: &dyn StateStore, applied: u64, bytes: &[u8]) {
    let saved = store.save(SavedState { applied: Offset(applied), bytes: bytes.to_vec() }).await;
    saved.unwrap_or_else(|error| panic!("save refused: {error}"));
}

async fn load(store: &dyn StateStore) -> Vec<SavedState> {
    store.load().await.unwrap_or_else(|error| panic!("load refused: {error}"))
}
