//! `nhip prove …`: a buyer checks the promises on their own disk, without root.

mod child;
pub(crate) mod ledger;
pub(crate) mod loss;
pub(crate) mod replay;
mod scratch;
