//! The promises of [`Analyst`]: an answer is whole or none, a refusal keeps its words, an absent worker is told apart.

use std::sync::Arc;

use nhip_proto::{
    ANALYST_FRAME_BYTES_MAX, AnalystCode, AnalystFormat, AnalystHead, AnalystQuestion, AnalystRefusal,
};

use crate::{Analyst, AnalystError};

/// What a worker says to a question.
#[derive(Clone, Debug)]
pub enum Said {
    /// An answer in pieces, none of them empty.
    Answer {
        /// What comes before.
        head: AnalystHead,
        /// The pieces.
        bytes: Vec<Vec<u8>>,
        /// Whether it says that this was all.
        whole: bool,
    },
    /// Why there is none.
    Refusal(AnalystRefusal),
    /// It ends without a word.
    Nothing,
}

/// Runs every promise against workers that say the given, one per question, and are gone then.
pub async fn all(make: impl AsyncFn(Vec<Said>) -> Arc<dyn Analyst>) {
    an_answer_comes_whole_and_ends(&make).await;
    an_answer_that_breaks_off_says_so(&make).await;
    a_refusal_keeps_its_words(&make).await;
    a_worker_that_ends_is_not_one_that_is_absent(&make).await;
}

/// All of it, in order, then the end; also where there is nothing, and where there is much.
pub async fn an_answer_comes_whole_and_ends(make: &impl AsyncFn(Vec<Said>) -> Arc<dyn Analyst>) {
    let large = vec![7; ANALYST_FRAME_BYTES_MAX];
    for bytes in
        [vec![], vec![b"one".to_vec()], vec![large.clone(), b"two".to_vec(), large, b"three".to_vec()]]
    {
        let worker = make(vec![Said::Answer { head: head(), bytes: bytes.clone(), whole: true }]).await;
        let (got, end) = read(&worker).await;
        assert_eq!(got, bytes.concat(), "every byte in order");
        assert_eq!(end, None, "and then the end");
    }
}

/// A part must not pass for the whole.
pub async fn an_answer_that_breaks_off_says_so(make: &impl AsyncFn(Vec<Said>) -> Arc<dyn Analyst>) {
    for bytes in [vec![], vec![b"one".to_vec(), b"two".to_vec()]] {
        let worker = make(vec![Said::Answer { head: head(), bytes, whole: false }]).await;
        let (_, end) = read(&worker).await;
        assert!(matches!(end, Some(AnalystError::Broken(_))), "{end:?}");
    }
}

/// The words are for the person who asked; the worker goes on.
pub async fn a_refusal_keeps_its_words(make: &impl AsyncFn(Vec<Said>) -> Arc<dyn Analyst>) {
    let codes = [
        AnalystCode::Statement,
        AnalystCode::Limit,
        AnalystCode::Busy,
        AnalystCode::Damaged,
        AnalystCode::Failed,
    ];
    let refusals =
        codes.map(|code| AnalystRefusal { code, message: format!("không được: \"{code:?}\"") });
    let worker = make(refusals.iter().cloned().map(Said::Refusal).collect()).await;
    for refusal in refusals {
        let asked = worker.ask(question()).await.err();
        assert_eq!(asked, Some(AnalystError::Refused(refusal)));
    }
}

/// One ended while it was asked, the other was never there.
pub async fn a_worker_that_ends_is_not_one_that_is_absent(
    make: &impl AsyncFn(Vec<Said>) -> Arc<dyn Analyst>,
) {
    let worker = make(vec![Said::Nothing]).await;
    let ended = worker.ask(question()).await.err();
    assert!(matches!(ended, Some(AnalystError::Broken(_))), "{ended:?}");
    let absent = make(vec![]).await.ask(question()).await.err();
    assert!(matches!(absent, Some(AnalystError::Absent(_))), "{absent:?}");
}

async fn read(worker: &Arc<dyn Analyst>) -> (Vec<u8>, Option<AnalystError>) {
    let answer = worker.ask(question()).await;
    let mut answer = answer.unwrap_or_else(|error| panic!("refused: {error}"));
    assert_eq!(answer.head, head());
    let mut bytes = Vec::new();
    while let Some(part) = answer.parts.recv().await {
        match part {
            Ok(part) => bytes.extend(part),
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

fn head() -> AnalystHead {
    AnalystHead { origin: "simulated".to_owned(), rows: 3, rows_scanned: 4_000_000_000 }
}

fn question() -> AnalystQuestion {
    AnalystQuestion {
        sql: "SELECT 'đường' FROM figures".to_owned(),
        from_ns: Some(i64::MIN),
        to_ns: None,
        format: AnalystFormat::Csv,
    }
}
