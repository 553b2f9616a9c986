//! Every record of every kind comes back byte for byte, through any number of files and merges.

use nhip_ports::{EventLog as _, ReadLimit};
use nhip_proto::{ArrivalTime, Offset, Record, Tick};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::stage::{Stage, batches, bytes_of, read_all};
use crate::strategy;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_record_comes_back_byte_for_byte(batches in vec(vec(strategy::record(), 1..12), 2..5)) {
        let stage = Stage::new(batches);
        let archive = stage.archive();
        stage.seal_all(&archive);
        let expected = bytes_of(&stage.log.records());
        let sealed = bytes_of(&read_all(&archive).expect("read"));
        prop_assert_eq!(&sealed[..], &expected[..sealed.len()]);
        prop_assert_eq!(sealed.len() as u64, archive.end().0);
        archive.merge(&archive.files(), &mut |_| true).expect("merged");
        prop_assert_eq!(archive.files().len(), 1);
        prop_assert_eq!(bytes_of(&read_all(&archive).expect("read")), sealed);
        archive.verify().expect("whole");
    }
}

#[test]
fn a_reader_can_start_anywhere_and_is_never_given_more_than_it_asked_for() {
    let tick = |number: u64| Record::Tick(Tick { at: ArrivalTime(number.cast_signed()) });
    let many: Vec<Record> = (0..20_000).map(tick).collect();
    let stage = Stage::new(vec![many, vec![tick(20_000)]]);
    let archive = stage.archive();
    stage.seal_all(&archive);
    for from in [0, 1, 8_191, 8_192, 8_193, 16_384, 19_999] {
        let few = ReadLimit { records_max: 7, bytes_max: usize::MAX };
        let read = archive.read(Offset(from), few).expect("read");
        let expected: Vec<u64> = (from..20_000).take(7).collect();
        let wanted = if from == 8_191 { 1 } else { expected.len() };
        let offsets: Vec<u64> = read.iter().map(|logged| logged.offset.0).collect();
        assert_eq!(offsets, expected[..wanted], "from {from}: row groups end at 8,192 records");
        let narrow = ReadLimit { records_max: usize::MAX, bytes_max: 1 };
        assert_eq!(archive.read(Offset(from), narrow).expect("read").len(), 1, "one record always comes");
    }
    assert!(
        archive.read(Offset(20_000), ReadLimit { records_max: 1, bytes_max: 1 }).is_err(),
        "behind its end"
    );
}

#[test]
fn a_trimmed_log_with_its_archive_reads_as_the_untrimmed_one() {
    let stage = Stage::new(batches(7, &[9, 1, 30, 4, 6]));
    let (archive, whole) = (stage.archive(), stage.log.records());
    stage.seal_all(&archive);
    let spanning = stage.spanning(archive.clone());
    for before in [0, 9, 10, 40, 44] {
        let first = stage.runtime.block_on(spanning.trim(Offset(before))).expect("trimmed");
        assert_eq!(first, Offset(before));
        assert_eq!(stage.drain(&spanning), whole, "trimmed before {before}");
    }
}
