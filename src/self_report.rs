//! The node measures itself: every ten seconds of its Clock it sends what it knows of its own work through the
//! same intake as every device, so that figures on the IOC's health and on data quality are proven like all others.

use std::sync::Arc;

use nhip_ports::{Analysis, Clock, Delivery, Durable, EventLog, Intake, Refused};
use nhip_profile::Profile;
use nhip_proto::{
    ArrivalTime, Dedication, LedgerCounts, MILLISECOND, Offset, SECOND, SourceId, Span, StreamId,
};
use tokio_util::sync::CancellationToken;

use crate::commands::Failure;

/// The stream a profile declares to have reports.
pub(crate) const STREAM: &str = "ioc";
/// The source within it.
pub(crate) const SOURCE: &str = "ioc-node";
/// Between two reports, by the Clock: a wall that opens with a new window does not wait a minute for its first figure.
const EVERY: Span = 10 * SECOND;

/// What the reports are made of.
pub(crate) struct SelfReport {
    pub(crate) intake: Arc<dyn Intake>,
    pub(crate) analysis: Arc<dyn Analysis>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tenant: String,
    /// The last record before this start: the node was down from then until now.
    pub(crate) last_record: Option<ArrivalTime>,
}

/// What one report says; counts go from the first record of the log on and never fall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reported {
    counts: LedgerCounts,
    sources_due: u64,
    sources_live: u64,
    /// Durable records the engine had not applied yet.
    lag_records: u64,
    /// Seconds since the last report, or since the last record before this start.
    span_s: u64,
    /// Of these, seconds in which the node ran.
    up_s: u64,
}

/// Whether the profile asks for reports.
pub(crate) fn wanted(profile: &Profile) -> bool {
    let source = profile.sources.get(&SourceId::new(SOURCE));
    source.is_some_and(|source| source.stream == StreamId::new(STREAM))
}

impl SelfReport {
    /// Reports until stopped, at whole tens of seconds of the Clock.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), Failure> {
        let mut up = self.clock.now();
        let mut last = self.last_record.unwrap_or(up);
        loop {
            let next = ArrivalTime((up.0.div_euclid(EVERY) + 1).saturating_mul(EVERY));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.clock.reach(next) => {}
            }
            let now = self.clock.now();
            match self.report((last, up), now).await {
                Ok(Some(durable)) => drop(durable.wait().await.map_err(Failure::other)?),
                Ok(None) => metrics::counter!("nhip_node_self_reports_missed_total").increment(1),
                Err(Refused::Stopping) => return Ok(()),
                Err(error) => return Err(Failure::other(error)),
            }
            (last, up) = (now, now);
        }
    }

    /// One report; none where analytics is too busy to be asked.
    async fn report(
        &self,
        (last, up): (ArrivalTime, ArrivalTime),
        now: ArrivalTime,
    ) -> Result<Option<Durable>, Refused> {
        let (Ok((applied, ledger)), Ok(sources)) =
            (self.analysis.ledger().await, self.analysis.sources().await)
        else {
            return Ok(None);
        };
        let mut counts = LedgerCounts::default();
        let own = SourceId::new(SOURCE);
        ledger.iter().filter(|row| row.source != own).for_each(|row| counts.add(&row.counts));
        let devices = sources.iter().filter(|row| row.listed && row.source != own);
        let live = |badge: &nhip_proto::Badge| badge.song.is_some_and(|share| share.as_f64() > 0.0);
        let durable: Offset = *self.log.durable().borrow();
        let reported = Reported {
            counts,
            sources_due: devices.clone().count() as u64,
            sources_live: devices.filter(|row| live(&row.badge)).count() as u64,
            lag_records: durable.0.saturating_sub(applied.0),
            span_s: whole_seconds(now.since(last)),
            up_s: whole_seconds(now.since(up)),
        };
        let delivery = Delivery {
            topic: format!("nhip/v1/{}/{STREAM}/{SOURCE}", self.tenant),
            payload: reported.payload(now).into(),
            dedication: Dedication { qos: 1, retain: false, dup: false },
            content_type: String::new(),
            principal: SOURCE.to_owned(),
            epoch: 0,
        };
        self.intake.submit(vec![delivery]).await.map(Some)
    }
}

impl Reported {
    /// The report in the native JSON dialect.
    fn payload(&self, now: ArrivalTime) -> String {
        let counts = &self.counts;
        let values = [
            ("received", counts.received),
            ("rejected", counts.rejected),
            ("items", counts.items),
            ("items_rejected", counts.item_rejected),
            ("duplicates", counts.duplicate),
            ("conflicting", counts.conflicting),
            ("late", counts.late),
            ("sources_due", self.sources_due),
            ("sources_live", self.sources_live),
            ("lag_records", self.lag_records),
            ("span_s", self.span_s),
            ("up_s", self.up_s),
        ];
        let mut text = format!("{{\"time\":{},\"values\":{{", now.0.div_euclid(MILLISECOND));
        for (at, (name, value)) in values.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            text.push_str(&format!("{comma}\"{name}\":{value}"));
        }
        text.push_str("}}");
        text
    }
}

/// To the nearest: the Clock is read a little before or after the whole second, and days must add up.
fn whole_seconds(span: Span) -> u64 {
    u64::try_from((span + SECOND / 2).div_euclid(SECOND)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_the_nearest_and_never_negative() {
        let spans = [(9_996, 10), (10_003, 10), (10_500, 11), (499, 0), (-20, 0), (-9_000, 0)];
        for (span_ms, seconds) in spans {
            assert_eq!(whole_seconds(span_ms * MILLISECOND), seconds, "{span_ms} ms");
        }
    }

    #[test]
    fn a_report_is_one_reading_of_plain_numbers() {
        let counts = LedgerCounts { received: 7, rejected: 1, items: 12, late: 2, ..LedgerCounts::default() };
        let reported =
            Reported { counts, sources_due: 5, sources_live: 4, lag_records: 3, span_s: 75, up_s: 60 };
        assert_eq!(
            reported.payload(ArrivalTime(1_795_244_712_500_000_000)),
            concat!(
                "{\"time\":1795244712500,\"values\":{\"received\":7,\"rejected\":1,\"items\":12,",
                "\"items_rejected\":0,\"duplicates\":0,\"conflicting\":0,\"late\":2,\"sources_due\":5,",
                "\"sources_live\":4,\"lag_records\":3,\"span_s\":75,\"up_s\":60}}"
            )
        );
    }
}
