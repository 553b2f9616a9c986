//! The analysts' worker: a process beside the node that answers questions over the files of the past.

use async_trait::async_trait;
use bytes::Bytes;
use nhip_proto::{AnalystHead, AnalystQuestion, AnalystRefusal};
use thiserror::Error;
use tokio::sync::mpsc;

/// Parts of an answer that may wait for their reader.
pub const ANALYST_PARTS_MAX: usize = 4;

/// Answers analysts.
///
/// An answer is whole or it is none: its parts end in `None` only after the last one; if it breaks off, the last item
/// is an error. Whoever drops the parts, or the question while it is being computed, gives it up: nothing goes on
/// being computed for nobody.
#[async_trait]
pub trait Analyst: Send + Sync {
    /// Asks one question.
    ///
    /// # Errors
    /// [`AnalystError`].
    async fn ask(&self, question: AnalystQuestion) -> Result<AnalystAnswer, AnalystError>;
}

/// An answer on its way.
#[derive(Debug)]
pub struct AnalystAnswer {
    /// What is known of it before its bytes.
    pub head: AnalystHead,
    /// Its bytes, in order.
    pub parts: mpsc::Receiver<Result<Bytes, AnalystError>>,
}

/// Why there is no answer, or no whole one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AnalystError {
    /// No worker is there.
    #[error("no worker listens: {0}")]
    Absent(String),
    /// The worker refuses, and says why.
    #[error("{}", .0.message)]
    Refused(AnalystRefusal),
    /// The worker ended or said something else than an answer.
    #[error("the worker broke off: {0}")]
    Broken(String),
}
