//! Snapshots, rows and keys whose files were damaged.

use std::fs;
use std::path::Path;

use nhip_adapters::{KeyFiles, RowFiles, StateFiles};
use nhip_ports::contract::row_store::row;
use nhip_ports::{
    Destruction, KeptState, KeyClass, KeyError, KeyStore as _, RowStore as _, SavedState, StateStore as _,
};
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

/// The keys of a directory, with their list beside it.
fn keys_in(path: &Path) -> Result<KeyFiles, KeyError> {
    KeyFiles::open(path, &path.with_extension("list"), [7; 16])
}

fn why() -> Destruction {
    Destruction { at: ArrivalTime(5), under: "30 days".to_owned(), author: "retention".to_owned() }
}

fn camera() -> KeyClass {
    KeyClass { class: "camera".to_owned(), case: String::new() }
}

#[tokio::test]
async fn a_key_survives_and_a_destroyed_one_leaves_no_byte() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let store = keys_in(&path).expect("a store");
    let key = store.current(&camera(), ArrivalTime(0)).await.expect("a key");
    let again = keys_in(&path).expect("a store");
    assert_eq!(again.key(&key.id).await.expect("kept").bytes, key.bytes);
    again.destroy(std::slice::from_ref(&key.id), &why()).await.expect("destroyed");
    for entry in fs::read_dir(&path).expect("the directory") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(8).any(|eight| eight == &key.bytes[..8]), "no byte of the key is left");
    }
    let after = keys_in(&path).expect("a store");
    assert!(matches!(after.key(&key.id).await, Err(KeyError::Gone(_))), "gone after a restart too");
    let new = after.current(&camera(), ArrivalTime(0)).await.expect("a new key");
    assert_ne!((new.id, new.bytes), (key.id, key.bytes));
}

#[tokio::test]
async fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let store = keys_in(&path).expect("a store");
    store.current(&camera(), ArrivalTime(0)).await.expect("a key");
    let mode = |path: &Path| fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&stage::file(&path, ".key")), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("opened to all");
    assert!(keys_in(&path).is_err(), "a directory others may read is refused");
}

#[tokio::test]
async fn a_damaged_key_refuses_the_start() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    keys_in(&path).expect("a store").current(&camera(), ArrivalTime(0)).await.expect("a key");
    let name = stage::file(&path, ".key");
    let whole = fs::read(&name).expect("the file");
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&name, flipped).expect("flipped");
        assert!(keys_in(&path).is_err(), "bit {bit}");
    }
}

/// A destruction cut off at each of its steps is made up for by the next start, and the key is in no file after it.
#[tokio::test]
async fn a_destruction_cut_off_at_any_step_is_finished_by_the_next_start() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let store = keys_in(&path).expect("a store");
    let key = store.current(&camera(), ArrivalTime(0)).await.expect("a key");
    let name = stage::file(&path, ".key");
    let living = fs::read(&name).expect("the file");
    store.destroy(std::slice::from_ref(&key.id), &why()).await.expect("destroyed");
    let tombstone = fs::read(&name).expect("the file");
    assert_eq!(living.len(), tombstone.len());
    // The list is durable and the key untouched (as after an older copy of the keys was put back), or overwritten up to
    // any byte.
    for cut in 0..=tombstone.len() {
        let torn = [&tombstone[..cut], &living[cut..]].concat();
        fs::write(&name, &torn).expect("written");
        let again = keys_in(&path).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        assert!(matches!(again.key(&key.id).await, Err(KeyError::Gone(_))), "cut at {cut}");
        assert_eq!(fs::read(&name).expect("the file"), tombstone, "cut at {cut}");
        assert_eq!(again.destroyed().await.expect("a list").len(), 1);
    }
    // Not even the tombstone came back: it is made again, and the id never stands for another key.
    fs::remove_file(&name).expect("removed");
    let store = keys_in(&path).expect("a store");
    assert_eq!(fs::read(&name).expect("the file"), tombstone);
    assert_ne!(store.current(&camera(), ArrivalTime(0)).await.expect("a key").id, key.id);
}

#[tokio::test]
async fn a_damaged_list_refuses_the_start() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let store = keys_in(&path).expect("a store");
    let key = store.current(&camera(), ArrivalTime(0)).await.expect("a key");
    store.destroy(&[key.id], &why()).await.expect("destroyed");
    let list = path.with_extension("list");
    let whole = fs::read(&list).expect("the list");
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&list, flipped).expect("flipped");
        assert!(keys_in(&path).is_err(), "bit {bit}");
    }
    for length in 0..whole.len() {
        fs::write(&list, &whole[..length]).expect("cut");
        assert!(keys_in(&path).is_err(), "cut at {length}");
    }
}

#[tokio::test]
async fn keys_of_another_installation_are_never_destroyed() {
    let dir = stage::quick_dir();
    let path = dir.path().join("keys");
    let key = keys_in(&path).expect("a store").current(&camera(), ArrivalTime(0)).await.expect("a key");
    // A simulated log that was pointed at the real keys.
    let list = dir.path().join("other.list");
    let other = KeyFiles::open(&path, &list, [8; 16]).expect("it opens");
    let refused = other.destroy(std::slice::from_ref(&key.id), &why()).await;
    assert!(
        matches!(&refused, Err(KeyError::Failed(what)) if what.contains("another installation")),
        "{refused:?}"
    );
    // Nor by a list of its own that names the same class and day.
    let own = KeyFiles::open(&dir.path().join("simulated"), &list, [8; 16]).expect("a store");
    let same = own.current(&camera(), ArrivalTime(0)).await.expect("a key");
    assert_eq!(same.id, key.id);
    own.destroy(&[same.id], &why()).await.expect("destroyed");
    drop(KeyFiles::open(&path, &list, [8; 16]).expect("it opens"));
    let own = keys_in(&path).expect("a store");
    assert_eq!(own.key(&key.id).await.expect("it lives").bytes, key.bytes);
}
