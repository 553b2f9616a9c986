//! What the fuzzer kept and what it once broke, again and again.

use nhip_ingest::Dialect;

use crate::corpus::{Corpus, folder, generated, kept};
use crate::properties::{CANARY, broken};

fn replay(corpus: &Corpus, topic: &str, payload: &[u8]) {
    let decoded = corpus.decode(topic, payload);
    assert_eq!(decoded, corpus.decode(topic, payload), "{topic} {payload:?}");
    assert_eq!(broken(&corpus.stream, &decoded), None, "{topic} {payload:?}");
}

#[test]
fn every_kept_input_is_read_or_refused() {
    let mut count = 0;
    for dialect in Dialect::ALL {
        let corpus = Corpus::load(*dialect);
        let names = format!("{:?} {:?}", corpus.stream.quantities, corpus.stream.states);
        assert!(!names.contains(CANARY), "{}", dialect.name());
        for case in corpus.cases.iter().chain(&generated(*dialect)) {
            replay(&corpus, &case.topic, &case.payload);
            count += 1;
        }
    }
    assert!(count > 120, "{count} inputs");
}

#[test]
fn what_once_broke_holds() {
    let Ok(files) = std::fs::read_dir(folder().join("found")) else { return };
    for path in files.filter_map(|file| file.ok().map(|file| file.path())) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let dialect = name.rsplit_once('-').and_then(|(dialect, _)| Dialect::of_name(dialect));
        let corpus = Corpus::load(dialect.unwrap_or_else(|| panic!("{name} is of no dialect")));
        let text = std::fs::read_to_string(&path).expect("a file");
        for case in text.lines().filter_map(kept) {
            replay(&corpus, &case.topic, &case.payload);
        }
    }
}
