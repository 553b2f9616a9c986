//! The promises of [`KeyStore`]: one key per class and UTC day or case, gone means gone for ever.

use nhip_proto::{ArrivalTime, MINUTE, Offset, SECOND};

use crate::{DataKey, DestroyedKey, Destruction, KeyClass, KeyError, KeyStore};

/// 2026-11-21T00:00:00Z.
const MIDNIGHT: i64 = 1_795_219_200 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

/// Runs every promise against empty stores made by `make`.
pub async fn all(make: impl Fn() -> Box<dyn KeyStore>) {
    one_key_per_class_and_day(make().as_ref()).await;
    a_case_has_its_own_key_for_ever(make().as_ref()).await;
    a_key_is_found_by_its_id(make().as_ref()).await;
    a_destroyed_key_is_gone(make().as_ref()).await;
    a_new_key_after_erasure_has_another_id(make().as_ref()).await;
    the_list_says_when_and_under_what(make().as_ref()).await;
    any_case_name_makes_a_key(make().as_ref()).await;
}

/// The UTC day decides, and the class.
pub async fn one_key_per_class_and_day(store: &dyn KeyStore) {
    let first = current(store, "machine", "", MIDNIGHT).await;
    assert_eq!(first.id, "machine/2026-11-21", "the id is class and UTC day");
    let evening = current(store, "machine", "", MIDNIGHT + DAY - 1).await;
    assert_eq!((&first.id, first.bytes), (&evening.id, evening.bytes), "the same key all day");
    let before = current(store, "machine", "", MIDNIGHT - 1).await;
    let after = current(store, "machine", "", MIDNIGHT + DAY).await;
    let camera = current(store, "camera", "", MIDNIGHT).await;
    for other in [before, after, camera] {
        assert_ne!(
            (&first.id, first.bytes),
            (&other.id, other.bytes),
            "another day or class has another key"
        );
        assert_ne!(first.bytes, other.bytes, "another id has another key");
    }
}

/// A case's key does not change with the day.
pub async fn a_case_has_its_own_key_for_ever(store: &dyn KeyStore) {
    let first = current(store, "case", "HS-7", MIDNIGHT).await;
    let later = current(store, "case", "HS-7", MIDNIGHT + 400 * DAY).await;
    let other = current(store, "case", "HS-8", MIDNIGHT).await;
    assert_eq!((&first.id, first.bytes), (&later.id, later.bytes), "a case has one key");
    assert_ne!(first.bytes, other.bytes, "another case has another key");
}

/// By id, and listed.
pub async fn a_key_is_found_by_its_id(store: &dyn KeyStore) {
    let second = current(store, "machine", "", MIDNIGHT).await;
    let first = current(store, "camera", "", MIDNIGHT).await;
    let found = store.key(&first.id).await.map(|key| key.bytes);
    assert_eq!(found.ok(), Some(first.bytes), "a key is found by its id");
    let ids = store.ids().await.unwrap_or_else(|error| panic!("ids refused: {error}"));
    assert_eq!(ids, vec![first.id, second.id], "ids are sorted");
    assert!(
        matches!(store.key("machine/1999-01-01").await, Err(KeyError::Gone(_))),
        "an unknown key is gone"
    );
}

/// Erasure.
pub async fn a_destroyed_key_is_gone(store: &dyn KeyStore) {
    let key = current(store, "camera", "", MIDNIGHT).await;
    destroy(store, &key.id).await;
    assert!(matches!(store.key(&key.id).await, Err(KeyError::Gone(id)) if id == key.id), "gone");
    assert_eq!(store.ids().await.ok(), Some(Vec::new()), "and not listed");
    let again = store.destroy(std::slice::from_ref(&key.id), &why("again")).await;
    assert_eq!(again.ok(), Some(Vec::new()), "nothing left to destroy");
    let unknown = store.destroy(&["machine/1999-01-01".to_owned()], &why("never was")).await;
    assert_eq!(unknown.ok(), Some(Vec::new()), "nor what never was");
    let listed = listed(store).await;
    assert_eq!(listed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [key.id.as_str()]);
}

/// Destroyed keys stay provable: which, when, under what, and where the log says so.
pub async fn the_list_says_when_and_under_what(store: &dyn KeyStore) {
    let late = current(store, "vision", "", MIDNIGHT).await;
    let early = current(store, "camera", "", MIDNIGHT).await;
    let kept = current(store, "camera", "", MIDNIGHT + DAY).await;
    let ids = [late.id.clone(), early.id.clone()];
    let done = store.destroy(&ids, &why("30 days, document 7")).await.unwrap_or_default();
    assert_eq!(done, ids, "those that lived");
    let entry = |id: &str, logged| DestroyedKey {
        id: id.to_owned(),
        destruction: why("30 days, document 7"),
        logged,
    };
    assert_eq!(
        listed(store).await,
        [entry(&early.id, None), entry(&late.id, None)],
        "sorted, not in the log yet"
    );
    let noted = store.note_logged(std::slice::from_ref(&late.id), Offset(12)).await;
    assert!(noted.is_ok(), "{noted:?}");
    store.destroy(&ids, &why("another")).await.unwrap_or_default();
    let want = [entry(&early.id, None), entry(&late.id, Some(Offset(12)))];
    assert_eq!(listed(store).await, want, "the first destruction stands");
    assert_eq!(store.ids().await.ok(), Some(vec![kept.id]), "only what was named went");
}

/// An id never stands for two keys, or old records would be opened with the wrong one.
pub async fn a_new_key_after_erasure_has_another_id(store: &dyn KeyStore) {
    let old = current(store, "camera", "", MIDNIGHT).await;
    destroy(store, &old.id).await;
    let new = current(store, "camera", "", MIDNIGHT).await;
    assert_ne!(old.id, new.id, "an id never stands for two keys");
    assert_ne!(old.bytes, new.bytes, "a new key is new");
    assert!(matches!(store.key(&old.id).await, Err(KeyError::Gone(_))), "the old one stays gone");
}

/// Names come from outside; none may lead out of the store.
pub async fn any_case_name_makes_a_key(store: &dyn KeyStore) {
    for case in ["../../etc/passwd", "a/b", ".", "hồ sơ 12", "x\u{0}y", &"n".repeat(500)] {
        let key = current(store, "case", case, MIDNIGHT).await;
        let again = current(store, "case", case, MIDNIGHT).await;
        assert_eq!((&key.id, key.bytes), (&again.id, again.bytes), "any name makes a key");
        assert_eq!(store.key(&key.id).await.map(|key| key.bytes).ok(), Some(key.bytes), "found again");
    }
}

async fn current(store: &dyn KeyStore, class: &str, case: &str, at: i64) -> DataKey {
    let class = KeyClass { class: class.to_owned(), case: case.to_owned() };
    let key = store.current(&class, ArrivalTime(at)).await;
    key.unwrap_or_else(|error| panic!("current refused: {error}"))
}

async fn destroy(store: &dyn KeyStore, id: &str) {
    let done = store.destroy(&[id.to_owned()], &why("a test")).await;
    assert_eq!(done.unwrap_or_else(|error| panic!("destroy refused: {error}")), [id], "it lived");
}

fn why(under: &str) -> Destruction {
    Destruction { at: ArrivalTime(MIDNIGHT), under: under.to_owned(), author: "retention".to_owned() }
}

async fn listed(store: &dyn KeyStore) -> Vec<DestroyedKey> {
    store.destroyed().await.unwrap_or_else(|error| panic!("the list is refused: {error}"))
}
