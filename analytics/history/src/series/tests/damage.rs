//! Damaged, half-written, exchanged and planted files: a clear error, and nothing served.

use std::path::PathBuf;

use nhip_ports::{FileWork, HistoryError};

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

/// A footer of a few bytes that promises two thousand million columns, and one whose rows are not those listed, under a
/// manifest that names them with their right checksums.
#[test]
fn absurd_counts_are_not_believed_although_the_checksum_is_right() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rows");
    let opened = |bytes: &[u8], rows: u64| {
        std::fs::write(&path, bytes).expect("written");
        let (name, blake3) = ("rows".to_owned(), blake3::hash(bytes).to_hex().to_string());
        let length = bytes.len() as u64;
        let listed =
            super::super::listing::Listed { name, bytes: length, blake3, rows, tick_first: 0, tick_last: 0 };
        super::super::file::Opened::verified(&path, &listed).map(|opened| opened.rows())
    };
    let whole = super::super::parquet_of(vec![row(1, "80", 3, 0, 5)], Vec::new()).expect("encoded");
    assert_eq!(opened(&whole, 1).expect("whole"), 1);
    assert!(opened(&whole, 2).is_err(), "another number of rows than listed");
    // Thrift compact protocol: version 1, then a list of 2³¹ − 1 structs.
    let footer = [0x15, 0x02, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
    let bomb = [b"PAR1".as_slice(), &footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat();
    assert!(opened(&bomb, 1).is_err(), "two thousand million columns in {} bytes", bomb.len());
    let mut long = whole.clone();
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&0x7fff_fff0_u32.to_le_bytes());
    assert!(opened(&long, 1).is_err(), "a footer longer than the file");
}

#[tokio::test]
async fn a_damaged_file_keeps_only_its_own_day_from_becoming_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let landing = Arc::new(MemoryRows::default());
    let store = open(directory.path(), &landing).await;
    // Three days in turn, six files each; the seventh of each is one too many.
    let write = async |store: &Arc<SeriesStore>, round: u64, tick: u64| {
        let rows: Vec<Row> =
            [3, 27, 51].map(|hour| row(tick, "80", hour, u32::try_from(round).expect("small"), 5)).into();
        store.write(Offset(tick), &rows).await.expect("written");
        landing.close().await.expect("closed");
        store.seal().await.expect("sealed");
    };
    for round in 0..6 {
        write(&store, round, 10 + round).await;
    }
    let names = |store: &Arc<SeriesStore>, day: &str| -> Vec<String> {
        let files = store.state().listing.files.clone();
        files.into_iter().map(|file| file.name).filter(|name| name.starts_with(day)).collect()
    };
    let middle = names(&store, "2026-11-22");
    assert_eq!(middle.len(), 6, "{middle:?}");
    drop(store);
    let path = directory.path().join(&middle[2]);
    let whole = std::fs::read(&path).expect("bytes");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    let store = open(directory.path(), &landing).await;
    write(&store, 6, 16).await;
    for (day, files) in [("2026-11-21", 1), ("2026-11-22", 7), ("2026-11-23", 1)] {
        assert_eq!(names(&store, day).len(), files, "{day}");
    }
    // It is put back: the next round merges it too.
    std::fs::write(&path, whole).expect("put back");
    write(&store, 7, 17).await;
    assert_eq!(names(&store, "2026-11-22").len(), 1);
    let told = SeriesHistory::new(store).series(all_of("80", AsOf::Now)).await.expect("whole again");
    assert_eq!(told.iter().map(|row| row.revision).collect::<Vec<_>>(), [7, 7, 7]);
}

#[tokio::test]
async fn a_manifest_that_leads_elsewhere_opens_nothing() {
    let store = sealed().await;
    for name in ["../2026-11-21.000000000001.parquet", "/etc/passwd", "a.parquet"] {
        let mut listing = super::super::listing::Listing::read(store.directory.path()).expect("a list");
        listing.files[0].name = name.to_owned();
        listing.swap(store.directory.path(), FileWork::SeriesSeal).expect("swapped");
        let landing: Arc<dyn Landing> = Arc::clone(&store.landing) as _;
        let opened = SeriesStore::open(store.directory.path(), landing).await;
        assert!(matches!(opened, Err(super::super::SeriesError::Damaged(_))), "{name}");
        listing.files[0].name = store.file.file_name().expect("a name").to_string_lossy().into_owned();
        listing.swap(store.directory.path(), FileWork::SeriesSeal).expect("swapped");
    }
}
