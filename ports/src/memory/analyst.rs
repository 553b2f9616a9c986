//! A worker that says what it was told to say.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use nhip_proto::AnalystQuestion;
use tokio::sync::mpsc;

use crate::contract::analyst::Said;
use crate::{ANALYST_PARTS_MAX, Analyst, AnalystAnswer, AnalystError};

/// Says one thing per question, in order; then nobody is there any more.
#[derive(Default)]
pub struct MemoryAnalyst {
    says: Mutex<VecDeque<Said>>,
    asked: Mutex<Vec<AnalystQuestion>>,
}

impl MemoryAnalyst {
    /// One that will say these.
    #[must_use]
    pub fn saying(says: impl IntoIterator<Item = Said>) -> Self {
        Self { says: Mutex::new(says.into_iter().collect()), asked: Mutex::default() }
    }

    /// What it was asked.
    #[must_use]
    pub fn asked(&self) -> Vec<AnalystQuestion> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Analyst for MemoryAnalyst {
    async fn ask(&self, question: AnalystQuestion) -> Result<AnalystAnswer, AnalystError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(question);
        let said = self.says.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let broken = || AnalystError::Broken("told to".to_owned());
        match said {
            None => Err(AnalystError::Absent("told to".to_owned())),
            Some(Said::Nothing) => Err(broken()),
            Some(Said::Refusal(refusal)) => Err(AnalystError::Refused(refusal)),
            Some(Said::Answer { head, bytes, whole }) => {
                let (sender, parts) = mpsc::channel(ANALYST_PARTS_MAX);
                tokio::spawn(async move {
                    for piece in bytes {
                        if sender.send(Ok(Bytes::from(piece))).await.is_err() {
                            return;
                        }
                    }
                    if !whole {
                        drop(sender.send(Err(broken())).await);
                    }
                });
                Ok(AnalystAnswer { head, parts })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        let made = async |says: Vec<Said>| Arc::new(MemoryAnalyst::saying(says)) as Arc<dyn Analyst>;
        crate::contract::analyst::all(made).await;
    }
}
