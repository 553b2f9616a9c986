//! `crosswalk.csv`: which area came out of which, and with what share.

use std::collections::BTreeMap;

use nhip_proto::{AreaCode, Decimal};

use super::{Loading, is_table};
use crate::read::{CsvRow, CsvTable, FileText};
use crate::{Crossing, SHARE_WHOLE};

const REQUIRED: [&str; 4] = ["old", "new", "share", "document"];
/// Digits of a share.
const SHARE_SCALE: u8 = 4;

pub(super) fn read(texts: &[FileText<'_>], loading: &mut Loading<'_>) {
    for file in texts.iter().filter(|file| is_table(file, "crosswalk")) {
        let table = CsvTable::read(*file, "crosswalk", &REQUIRED, &[], loading.found);
        let rows: Vec<CsvRow<'_>> = table.into_rows();
        let mut sums: BTreeMap<AreaCode, u32> = BTreeMap::new();
        for row in &rows {
            if let Some(crossing) = read_one(row, loading) {
                *sums.entry(crossing.old.clone()).or_default() += crossing.share;
                loading.profile.crosswalk.push(crossing);
            }
        }
        for row in &rows {
            let sum = row.optional("old").and_then(|old| sums.remove(&AreaCode::new(old)));
            if let Some(sum) = sum.filter(|sum| *sum != SHARE_WHOLE) {
                let shown = Decimal::new(i128::from(sum), SHARE_SCALE);
                let reason = format!("the shares of this area add up to {shown}");
                row.mistake("share", reason, "1 over all that came out of an area");
            }
        }
    }
}

fn read_one(row: &CsvRow<'_>, loading: &Loading<'_>) -> Option<Crossing> {
    let share = row.text("share").and_then(|text| {
        let share = Decimal::parse(text).ok().and_then(|share| share.at_scale(SHARE_SCALE));
        let share = share.and_then(|share| u32::try_from(share).ok());
        let share = share.filter(|share| (1..=SHARE_WHOLE).contains(share));
        if share.is_none() {
            row.mistake("share", format!("\"{text}\" is no share"), "more than 0, at most 1, 4 digits");
        }
        share
    });
    let (old, new, document) = (row.text("old"), row.text("new"), row.text("document"));
    let area = |column: &'static str, code: Option<&str>| {
        let code = code?;
        let known = loading.profile.areas.get(&AreaCode::new(code));
        if !loading.declared.areas.contains(code) {
            row.unknown(column, "area", code, loading.declared.areas.iter().map(String::as_str));
        }
        known
    };
    let (old, new) = (area("old", old)?, area("new", new)?);
    match (old.valid.to, new.valid.from) {
        (None, _) => row.mistake("old", format!("{} has not ended", old.code), "an area with valid_to"),
        (Some(to), Some(from)) if to == from => {}
        (Some(to), _) => {
            let reason = format!("{} does not begin on {to}, when {} ended", new.code, old.code);
            row.mistake("new", reason, "an area with that valid_from");
        }
    }
    let (old, new) = (old.code.clone(), new.code.clone());
    Some(Crossing { old, new, share: share?, document: document?.to_owned() })
}
