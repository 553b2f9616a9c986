//! Snapshots, rows and keys whose files were damaged.

use std::fs;

use nhip_adapters::{KeyFiles, RowFiles, StateFiles};
use nhip_ports::contract::row_store::row;
use nhip_ports::{KeptState, KeyClass, KeyError, KeyStore as _, RowStore as _, SavedState, StateStore as _};
use nhip_proto::{ArrivalTime, Offset};

use crate::stage;

/// Each single bit of the newest snapshot.
#[tokio::test]
async fn a_damaged_snapshot_is_left_out() {
    let dir = stage::quick_dir();
    let store = StateFiles::open(dir.path()).expect("a store");
    for applied in [7, 9] {
        let state = SavedState { applied: Offset(applied), bytes: vec![applied as u8; 33] };
        store.save(state).await.expect("saved");
    }
    let newest = stage::file(dir.path(), ".state");
    let whole = fs::read(&newest).expect("the newest");
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&newest, flipped).expect("flipped");
        let applied: Vec<Offset> =
            store.load().await.expect("loaded").iter().map(|state| state.applied).collect();
        assert_eq!(applied, [Offset(7)], "bit {bit}");
    }
    for length in 0..whole.len() {
        fs::write(&newest, &whole[..length]).expect("cut off");
        assert_eq!(store.load().await.expect("loaded").len(), 1, "cut off at {length}");
    }
}

/// Each single byte of a snapshot kept for the past; another under its name is no better.
#[tokio::test]
async fn a_damaged_snapshot_of_the_past_is_none() {
    let dir = stage::quick_dir();
    let store = StateFiles::open(dir.path()).expect("a store");
    let state = SavedState { applied: Offset(7), bytes: vec![7; 33] };
    store.keep(ArrivalTime(1_000), state).await.expect("kept");
    let kept = store.kept().await.expect("a list")[0];
    let name = stage::file(dir.path(), ".past");
    let whole = fs::read(&name).expect("the file");
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 16;
        fs::write(&name, flipped).expect("flipped");
        assert_eq!(store.recall(kept).await.expect("no error"), None, "byte {byte}");
    }
    fs::write(&name, &whole).expect("mended");
    let other = KeptState { applied: Offset(8), ..kept };
    fs::write(dir.path().join(format!("{:020}-{:020}.past", 8, 1_000)), &whole).expect("copied");
    assert_eq!(store.recall(other).await.expect("no error"), None, "its inner offset differs");
    assert!(store.recall(kept).await.expect("no error").is_some());
}

/// A crash between two steps leaves the old snapshot or the new one.
#[tokio::test]
async fn an_unfinished_snapshot_is_swept() {
    let dir = stage::quick_dir();
    fs::write(dir.path().join("00000000000000000009.state.tmp"), b"half").expect("half a snapshot");
    let store = StateFiles::open(dir.path()).expect("a store");
    assert!(store.load().await.expect("loaded").is_empty());
    assert_eq!(fs::read_dir(dir.path()).expect("the directory").count(), 0, "it is gone");
}

#[tokio::test]
async fn rows_cut_off_at_any_byte_keep_their_whole_ticks() {
    let dir = stage::quick_dir();
    let path = dir.path().join("rows");
    let store = RowFiles::open(&path).expect("a store");
    let mut ends = vec![16];
    for tick in [10, 20, 30] {
        store.write(Offset(tick), &[row(tick, "a", 0), row(tick, "b", 0)]).await.expect("written");
        ends.push(fs::metadata(stage::file(&path, ".rows")).expect("the file").len() as usize);
    }
    drop(store);
    let name = stage::file(&path, ".rows");
    let whole = fs::read(&name).expect("the file");
    for length in 16..=whole.len() {
        fs::write(&name, &whole[..length]).expect("cut off");
        let store = RowFiles::open(&path).unwrap_or_else(|error| panic!("cut off at {length}: {error}"));
        let ticks = ends.iter().skip(1).filter(|end| **end <= length).count();
        let rows = store.read(Offset(0), Offset(u64::MAX), 100).await.expect("read");
        assert_eq!(rows.len(), ticks * 2, "cut off at {length}");
        assert_eq!(store.last().map_or(0, |last| last.0), ticks as u64 * 10);
        store.write(Offset(40), &[row(40, "a", 0)]).await.expect("it goes on");
        assert_eq!(store.read(Offset(0), Offset(u64::MAX), 100).await.expect("read").len(), ticks * 2 + 1);
    }
}

#[tokio::test]
async fn a_flipped_bit_before_a_whole_tick_is_damage() {
    let dir = stage::quick_dir();
    let store = RowFiles::open(dir.path()).expect("a store");
    store.write(Offset(10), &[row(10, "a", 0)]).await.expect("written");
    let first_end = fs::metadata(stage::file(dir.path(), ".rows")).expect("the file").len() as usize;
    store.write(Offset(20), &[row(20, "a", 0)]).await.expect("written");
    drop(store);
    let name = stage::file(dir.path(), ".rows");
    let whole = fs::read(&name).expect("the file");
    for bit in 0..first_end * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&name, &flipped).expect("flipped");
        assert!(RowFiles::open(dir.path()).is_err(), "bit {bit}");
        assert_eq!(fs::read(&name).expect("the file"), flipped, "damage is left as it is");
    }
}

fn camera() -> KeyClass {
    KeyClass { class: "camera".to_owned(), case: String::new() }
}

#[tokio::test]
async fn a_key_survives_and_a_destroyed_one_leaves_no_byte() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let store = KeyFiles::open(&path).expect("a store");
    let key = store.current(&camera(), ArrivalTime(0)).await.expect("a key");
    let again = KeyFiles::open(&path).expect("a store");
    assert_eq!(again.key(&key.id).await.expect("kept").bytes, key.bytes);
    again.destroy(&key.id).await.expect("destroyed");
    for entry in fs::read_dir(&path).expect("the directory") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(8).any(|eight| eight == &key.bytes[..8]), "no byte of the key is left");
    }
    let after = KeyFiles::open(&path).expect("a store");
    assert!(matches!(after.key(&key.id).await, Err(KeyError::Gone(_))), "gone after a restart too");
    let new = after.current(&camera(), ArrivalTime(0)).await.expect("a new key");
    assert_ne!((new.id, new.bytes), (key.id, key.bytes));
}

#[tokio::test]
async fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let store = KeyFiles::open(&path).expect("a store");
    store.current(&camera(), ArrivalTime(0)).await.expect("a key");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&stage::file(&path, ".key")), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("opened to all");
    assert!(KeyFiles::open(&path).is_err(), "a directory others may read is refused");
}

#[tokio::test]
async fn a_damaged_key_refuses_the_start() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    KeyFiles::open(&path).expect("a store").current(&camera(), ArrivalTime(0)).await.expect("a key");
    let name = stage::file(&path, ".key");
    let whole = fs::read(&name).expect("the file");
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&name, flipped).expect("flipped");
        assert!(KeyFiles::open(&path).is_err(), "bit {bit}");
    }
}
