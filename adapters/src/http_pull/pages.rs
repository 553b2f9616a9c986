//! How one page leads to the next, with an end in every case.

use std::collections::BTreeSet;

use serde_json::Value;

use super::HttpPullConfig;
use super::address::Address;

/// How a page leads to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Paging {
    /// One page.
    #[default]
    None,
    /// A JSON pointer to the next page's address; absent, `null` or empty: the last page.
    NextLink {
        /// `/links/next`.
        pointer: String,
    },
    /// A page number in the query, counted up while pages hold something.
    PageNumber {
        /// The parameter's name.
        parameter: String,
        /// The first page's number.
        first: u64,
        /// A JSON pointer to the page's list; empty: the page itself.
        items: String,
    },
    /// An offset in the query, counted up by what each page held.
    Offset {
        /// The parameter's name.
        parameter: String,
        /// A JSON pointer to the page's list; empty: the page itself.
        items: String,
    },
}

/// The pages of one round.
pub(super) struct Pages<'c> {
    config: &'c HttpPullConfig,
    first: Address,
    next: Option<Address>,
    seen: BTreeSet<Address>,
    number: u64,
}

impl<'c> Pages<'c> {
    pub(super) fn new(config: &'c HttpPullConfig, first: Address) -> Self {
        let number = if let Paging::PageNumber { first, .. } = &config.paging { *first } else { 0 };
        let mut pages = Self { config, next: None, seen: BTreeSet::new(), number, first };
        pages.next = Some(pages.numbered());
        pages
    }

    /// Where to ask next; none: the round is done.
    pub(super) fn next_address(&mut self) -> Option<Address> {
        let next = self.next.take()?;
        self.seen.insert(next.clone());
        Some(next)
    }

    /// Looks for the next page in the one that came.
    ///
    /// # Errors
    /// The word in metrics for an end that is none of the server's choosing.
    pub(super) fn follow(&mut self, here: &Address, body: &[u8]) -> Result<(), &'static str> {
        if self.config.paging == Paging::None {
            return Ok(());
        }
        let page: Value = serde_json::from_slice(body).map_err(|_| "page_unreadable")?;
        let next = match &self.config.paging {
            Paging::None => None,
            Paging::NextLink { pointer } => match page.pointer(pointer) {
                None | Some(Value::Null) => None,
                Some(Value::String(link)) if link.is_empty() => None,
                Some(Value::String(link)) => Some(here.join(link).ok_or("link_elsewhere")?),
                Some(_) => return Err("link_unreadable"),
            },
            Paging::PageNumber { items, .. } => {
                let held = held(&page, items)?;
                self.number = self.number.saturating_add(1);
                (held > 0).then(|| self.numbered())
            }
            Paging::Offset { items, .. } => {
                let held = held(&page, items)?;
                self.number = self.number.saturating_add(held);
                (held > 0).then(|| self.numbered())
            }
        };
        if let Some(next) = next {
            if self.seen.contains(&next) {
                return Err("page_loop");
            }
            if self.seen.len() >= self.config.pages_max {
                return Err("pages_max");
            }
            self.next = Some(next);
        }
        Ok(())
    }

    fn numbered(&self) -> Address {
        match &self.config.paging {
            Paging::PageNumber { parameter, .. } | Paging::Offset { parameter, .. } => {
                self.first.with_parameter(parameter, self.number)
            }
            Paging::None | Paging::NextLink { .. } => self.first.clone(),
        }
    }
}

fn held(page: &Value, items: &str) -> Result<u64, &'static str> {
    let list = page.pointer(items).and_then(Value::as_array).ok_or("page_unreadable")?;
    Ok(list.len() as u64)
}
