//! Keys past their retention, streams without one, keys of another installation.

use std::path::Path;

use nhip_ingest::due_keys;
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, MINUTE, Span};

use crate::config::Config;

use super::finding::Finding;

/// A key may be due for so long before something must be wrong: a node waits hours after a start, and nights it is off.
const OVERDUE_AFTER: Span = 48 * 60 * MINUTE;

/// Looks at the keys by the profile as it is now, at the time of the newest record.
pub(super) fn examine(config: &Config, profile: &Profile, now: ArrivalTime) -> Vec<Finding> {
    let place = config.keys.display().to_string();
    let ids = match nhip_adapters::living_keys(&config.keys) {
        Ok(ids) => ids,
        Err(error) => {
            let advice = "take the file from the copy `nhip backup keys` made";
            return vec![Finding::error("keys", place, error.to_string(), "whole key files", advice)];
        }
    };
    let mut findings: Vec<Finding> = foreign(&config.keys, &config.data).into_iter().collect();
    findings.push(due(&place, profile, &ids, now));
    let today = jiff::Timestamp::from_nanosecond(i128::from(now.0)).ok().zip(profile.time_zone());
    let today = today.map(|(now, zone)| now.to_zoned(zone).date());
    let ever =
        |id: &&nhip_proto::StreamId| today.is_some_and(|today| profile.retention_on(id, today).is_none());
    let ever: Vec<&str> = profile.streams.keys().filter(ever).map(|id| id.as_str()).collect();
    if !ever.is_empty() {
        let what = format!("no retention, sealed parts are kept for ever: {}", ever.join(", "));
        findings.push(Finding::note("keys", place, what));
    }
    findings
}

fn due(place: &str, profile: &Profile, ids: &[String], now: ArrivalTime) -> Finding {
    let due = due_keys(profile, ids, now);
    let overdue = due.iter().filter(|key| now.since(key.since) > OVERDUE_AFTER).count();
    let what = format!("{} keys live, {} due by their retention, {overdue} overdue", ids.len(), due.len());
    if overdue == 0 {
        return Finding::fine("keys", place, what);
    }
    let oldest = due.first().map_or("", |key| key.id.as_str());
    let advice = format!(
        "let the node run six hours on with a right clock; if it does, its log says why {oldest} cannot be destroyed"
    );
    Finding::warning("keys", place, what, "none overdue by two days", &advice)
}

fn foreign(keys: &Path, data: &Path) -> Option<Finding> {
    let owner = std::fs::read_to_string(keys.join("owner")).ok()?;
    let installation = std::fs::read_to_string(data.join("installation")).ok()?;
    (owner.trim() != installation.trim()).then(|| {
        let what =
            format!("the keys of installation {}, the data is of {}", owner.trim(), installation.trim());
        let advice = "name the keys of this installation; only if they are, remove the file `owner` in them";
        Finding::error("keys", keys.display(), what, "keys and data of one installation", advice)
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn overdue_keys_and_foreign_ones_are_found() {
        let mut profile = Profile::empty("p");
        profile.zone = "UTC".to_owned();
        profile.retentions.push(nhip_profile::Retention {
            of: nhip_profile::RetentionOf::KeyClass("unrouted".to_owned()),
            sealed_days: 30,
            document: "QĐ 7".to_owned(),
            valid: nhip_profile::Validity::default(),
            note: nhip_profile::Label::default(),
        });
        let ids = ["unrouted/2026-10-01".to_owned(), "air/2020-01-01".to_owned()];
        // 2026-10-31T23:59:59Z; from `date -u -d … +%s`.
        let last_second = ArrivalTime(1_793_491_199_000_000_000);
        let told = |seconds: i64| due("/k", &profile, &ids, last_second.plus(seconds * 1_000_000_000));
        assert!(told(0).what.starts_with("2 keys live, 0 due"), "{}", told(0).what);
        let due = told(1);
        assert_eq!(
            (due.grade, due.what.as_str()),
            (Grade::Fine, "2 keys live, 1 due by their retention, 0 overdue")
        );
        assert_eq!(told(48 * 3600 + 2).grade, Grade::Warning);

        let directory = tempfile::tempdir().expect("a directory");
        let (keys, data) = (directory.path().join("k"), directory.path().join("d"));
        for path in [&keys, &data] {
            std::fs::create_dir(path).expect("made");
        }
        std::fs::write(data.join("installation"), "aa").expect("written");
        assert!(foreign(&keys, &data).is_none());
        std::fs::write(keys.join("owner"), "aa\n").expect("written");
        assert!(foreign(&keys, &data).is_none());
        std::fs::write(keys.join("owner"), "bb\n").expect("written");
        assert_eq!(foreign(&keys, &data).map(|found| found.grade), Some(Grade::Error));
    }
}
