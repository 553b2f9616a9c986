//! What a worker hands to the barrier: touches, rejections, what is late, and its working memory.

use nhip_proto::{ItemReason, RejectionReason};

use crate::amend::Late;
use crate::calendar::Memo;
use crate::plan::Plan;
use crate::reading::Value;
use crate::touch::Touch;

/// Rejections kept for lists; counts of all are in the ledger.
pub(crate) const REFUSED_MAX: usize = 1_000;

/// What a worker hands to the barrier, and its working memory.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) touches: Vec<Touch>,
    pub(crate) refused: Vec<Refused>,
    /// Late items.
    pub(crate) late: Vec<Late>,
    /// Late items a Restate lets in.
    pub(crate) entered: Vec<(u64, u32)>,
    pub(crate) changed: Vec<u32>,
    /// Sources a Tick must look at.
    pub(crate) stirred: Vec<u32>,
    /// When Ticks must look at which cases.
    pub(crate) woken: Vec<(i64, u32, u128)>,
    pub(super) memos: Vec<Memo>,
    pub(super) values: Vec<Option<Value>>,
    /// Which names the reading has brought already, valid or not.
    pub(super) brought: Vec<bool>,
    pub(super) judged: Vec<Result<(u32, Value), ItemReason>>,
    pub(super) windows: Vec<(i64, i64)>,
}

/// One rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) offset: u64,
    pub(crate) place: u32,
    pub(crate) arrival: i64,
    pub(crate) source: u32,
    pub(crate) reason: Result<RejectionReason, ItemReason>,
    pub(crate) field: String,
}

impl Output {
    /// Makes room for a plan's calendars; forgets memos of an older plan.
    pub(crate) fn prepare(&mut self, plan: &Plan) {
        self.memos.clear();
        self.memos.resize(plan.calendars.len(), Memo::default());
    }

    /// The windows found last, by calendar.
    pub(crate) fn memos(&mut self) -> &mut [Memo] {
        &mut self.memos
    }

    pub(super) fn refuse(&mut self, refused: Refused) {
        if self.refused.len() >= 2 * REFUSED_MAX {
            self.refused.drain(..REFUSED_MAX);
        }
        self.refused.push(refused);
    }
}
