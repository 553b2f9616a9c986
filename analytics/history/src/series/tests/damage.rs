//! Damaged, half-written, exchanged and planted files: a clear error, and nothing served.

use std::path::PathBuf;

use nhip_ports::HistoryError;

use super::*;

struct Store {
    directory: TempDir,
    landing: Arc<MemoryRows>,
    file: PathBuf,
}

/// A store with one sealed file.
async fn sealed() -> Store {
    let directory = tempfile::tempdir().expect("a directory");
    let landing = Arc::new(MemoryRows::default());
    let store = open(directory.path(), &landing).await;
    let rows: Vec<Row> = (0..24).map(|minute| Row { ..row(10, "80", 3, minute, 5) }).collect();
    store.write(Offset(10), &rows).await.expect("written");
    landing.close().await.expect("closed");
    store.seal().await.expect("sealed");
    let name = store.state().listing.files[0].name.clone();
    let file = directory.path().join(name);
    Store { directory, landing, file }
}

impl Store {
    async fn asked(&self) -> Result<Vec<Row>, HistoryError> {
        let store = open(self.directory.path(), &self.landing).await;
        SeriesHistory::new(store).series(all_of("80", AsOf::Now)).await
    }

    async fn is_damaged(&self, what: &str) {
        match self.asked().await {
            Err(HistoryError::Damaged(told)) => {
                assert!(told.contains(".parquet"), "{what}: names the file: {told}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn any_flipped_bit_and_any_cut_is_found() {
    let store = sealed().await;
    assert_eq!(store.asked().await.expect("whole").len(), 1);
    let whole = std::fs::read(&store.file).expect("bytes");
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&store.file, &flipped).expect("written");
        store.is_damaged(&format!("bit of byte {at}")).await;
    }
    for length in [0, 1, 8, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&store.file, &whole[..length]).expect("written");
        store.is_damaged(&format!("cut at {length}")).await;
    }
    std::fs::remove_file(&store.file).expect("removed");
    store.is_damaged("missing").await;
}

#[tokio::test]
async fn a_file_no_manifest_names_is_never_opened() {
    let store = sealed().await;
    let planted = store.directory.path().join("2026-11-21.000000000099.parquet");
    let stranger = store.directory.path().join("notes.parquet");
    let forged = super::super::parquet_of(vec![row(99, "80", 3, 99, 777)], Vec::new()).expect("encoded");
    std::fs::write(&planted, &forged).expect("written");
    std::fs::write(&stranger, &forged).expect("written");
    let told = store.asked().await.expect("whole");
    assert_eq!(
        told.iter().map(|row| row.revision).collect::<Vec<_>>(),
        [23],
        "the forged revision is not told"
    );
    assert!(!planted.exists() && stranger.exists(), "what bears our name goes, what does not stays");
}

#[tokio::test]
async fn an_exchanged_file_is_found_although_it_is_whole() {
    let store = sealed().await;
    let forged = super::super::parquet_of(vec![row(10, "80", 3, 99, 777)], Vec::new()).expect("encoded");
    std::fs::write(&store.file, forged).expect("written");
    store.is_damaged("another whole file").await;
}

#[tokio::test]
async fn a_manifest_that_leads_elsewhere_opens_nothing() {
    let store = sealed().await;
    for name in ["../2026-11-21.000000000001.parquet", "/etc/passwd", "a.parquet"] {
        let mut listing = super::super::listing::Listing::read(store.directory.path()).expect("a list");
        listing.files[0].name = name.to_owned();
        listing.swap(store.directory.path()).expect("swapped");
        let landing: Arc<dyn Landing> = Arc::clone(&store.landing) as _;
        let opened = SeriesStore::open(store.directory.path(), landing).await;
        assert!(matches!(opened, Err(super::super::SeriesError::Damaged(_))), "{name}");
        listing.files[0].name = store.file.file_name().expect("a name").to_string_lossy().into_owned();
        listing.swap(store.directory.path()).expect("swapped");
    }
}
