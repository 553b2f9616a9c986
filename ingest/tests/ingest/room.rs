//! The room over ports in memory: what stands in the log for what came.

use std::sync::Arc;

use bytes::Bytes;
use nhip_ingest::{IngestRoom, IngestSettings, open};
use nhip_ports::memory::SteppedClock;
use nhip_ports::{Clock, Destruction, GapNotice, Intake, LogError, Refused};
use nhip_proto::{
    ArrivalTime, Gap, GapCause, Message, MessageBody, Offset, ProfileText, Record, RejectionReason, SECOND,
    SourceId, Span, decode_record, encode_record, partition_of,
};
use tokio_util::sync::CancellationToken;

use crate::stage::{MIDNIGHT, StageKeys, StageLog, delivery, key_of, profile, shown};

const AIR: &str = "nhip/v1/tay-ninh/air/KK01";
const READING: &str = r#"{"values":{"pm25":35.2}}"#;
const DAY: Span = 86_400 * SECOND;

struct Stage {
    room: Arc<IngestRoom>,
    log: Arc<StageLog>,
    keys: Arc<StageKeys>,
    clock: Arc<SteppedClock>,
}

fn stage() -> Stage {
    stage_with(IngestSettings::default(), StageKeys::default())
}

fn stage_with(settings: IngestSettings, keys: StageKeys) -> Stage {
    let (log, keys) = (StageLog::open(), Arc::new(keys));
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let room = IngestRoom::new(settings, Arc::new(profile()), log.clone(), keys.clone(), clock.clone());
    Stage { room: Arc::new(room), log, keys, clock }
}

async fn submit(stage: &Stage, topic: &str, payload: impl Into<Bytes>) -> Message {
    let durable = stage.room.submit(vec![delivery(topic, payload)]).await.expect("taken");
    durable.wait().await.expect("durable");
    stage.log.messages().pop().expect("logged")
}

#[tokio::test]
async fn a_message_carries_everything_the_engine_needs() {
    let stage = stage();
    let message = submit(&stage, AIR, READING).await;
    assert_eq!(message.arrival, ArrivalTime(MIDNIGHT));
    assert_eq!((message.source.as_str(), message.stream.as_str()), ("KK01", "air"));
    assert_eq!((message.topic.as_str(), message.dialect.as_str()), (AIR, "native-json@1"));
    assert_eq!((message.profile_hash, message.partition), ([3; 16], partition_of(&SourceId::new("KK01"))));
    assert_eq!((message.principal.as_str(), message.epoch, message.dedication.qos), ("link", 1, 1));
    assert_eq!(shown(&message.body), ["pm25=35.2"]);
    let sealed = message.sealed.clone().expect("sealed");
    assert_eq!(sealed.key, format!("machine/day-{}", MIDNIGHT / DAY));
    let opened = open(&key_of(&sealed.key), &sealed).expect("opens");
    assert_eq!((opened.topic, opened.payload.as_ref()), (None, READING.as_bytes()));
    let mut bytes = Vec::new();
    encode_record(&Record::Message(Box::new(message.clone())), &mut bytes);
    assert_eq!(decode_record(bytes.into()).ok(), Some(Record::Message(Box::new(message))));
}

#[tokio::test]
async fn what_has_no_route_is_logged_without_its_topic() {
    let stage = stage();
    let message = submit(&stage, "elsewhere/secret", "anything").await;
    assert_eq!(shown(&message.body), ["no_route  0"]);
    assert_eq!((message.source.as_str(), message.stream.as_str(), message.topic.as_str()), ("", "", ""));
    let sealed = message.sealed.expect("sealed");
    let opened = open(&key_of(&sealed.key), &sealed).expect("opens");
    assert_eq!(
        (opened.topic.as_deref(), opened.payload.as_ref()),
        (Some("elsewhere/secret"), b"anything".as_slice())
    );
    assert!(sealed.key.starts_with("unrouted/"));

    let stranger = submit(&stage, "nhip/v1/tay-ninh/air/stranger", READING).await;
    assert_eq!(shown(&stranger.body), ["unknown_source  0"]);
    assert_eq!(
        (stranger.source.as_str(), stranger.stream.as_str(), stranger.topic.as_str()),
        ("", "air", "")
    );
}

#[tokio::test]
async fn a_payload_at_the_bound_is_read_and_one_above_it_is_kept_in_part() {
    let settings =
        IngestSettings { payload_bytes_max: 100, oversize_kept_bytes_max: 40, ..Default::default() };
    let stage = stage_with(settings, StageKeys::default());
    let at_bound = format!("{READING:<100}");
    assert_eq!(shown(&submit(&stage, AIR, at_bound.clone()).await.body), ["pm25=35.2"]);
    let message = submit(&stage, AIR, format!("{at_bound} ")).await;
    assert_eq!(shown(&message.body), ["too_large  0"]);
    assert_eq!(message.source.as_str(), "KK01");
    let sealed = message.sealed.expect("sealed");
    let opened = open(&key_of(&sealed.key), &sealed).expect("opens");
    assert_eq!((opened.payload.as_ref(), opened.payload_bytes), (&at_bound.as_bytes()[..40], 101));
}

#[tokio::test]
async fn every_nonce_is_drawn_anew() {
    let stage = stage();
    let batch = vec![delivery(AIR, READING); 1_000];
    stage.room.submit(batch).await.expect("taken").wait().await.expect("durable");
    let mut nonces: Vec<_> =
        stage.log.messages().into_iter().filter_map(|one| one.sealed).map(|one| one.nonce).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 1_000);
}

#[tokio::test]
async fn keys_are_asked_once_per_class_and_day() {
    let stage = stage();
    for _ in 0..3 {
        submit(&stage, AIR, READING).await;
    }
    submit(&stage, "nhip/v1/tay-ninh/camera/c", READING).await;
    stage.clock.step(DAY).expect("forward");
    submit(&stage, AIR, READING).await;
    let day = MIDNIGHT / DAY;
    let want =
        [format!("machine/day-{day}"), format!("camera/day-{day}"), format!("machine/day-{}", day + 1)];
    assert_eq!(*stage.keys.asked.lock().expect("asked"), want);
    let why = Destruction { at: ArrivalTime(0), under: String::new(), author: String::new() };
    stage.room.destroy_keys(&[], &why).await.expect("the log is well").expect("so are the keys");
    submit(&stage, AIR, READING).await;
    assert_eq!(stage.keys.asked.lock().expect("asked").len(), 4);
}

#[tokio::test]
async fn without_keys_nothing_is_taken() {
    let stage = stage_with(IngestSettings::default(), StageKeys { broken: true, ..StageKeys::default() });
    let refused = stage.room.submit(vec![delivery(AIR, READING)]).await;
    assert!(matches!(refused, Err(Refused::Log(LogError::Failed(_)))), "{refused:?}");
    assert!(stage.log.records().is_empty());
}

#[tokio::test]
async fn a_closed_room_takes_nothing() {
    let stage = stage();
    stage.room.close();
    let refused = stage.room.submit(vec![delivery(AIR, READING)]).await;
    assert!(matches!(refused, Err(Refused::Stopping)), "{refused:?}");
    assert!(matches!(stage.room.run_ticks(CancellationToken::new()).await, Err(Refused::Stopping)));
}

#[tokio::test]
async fn what_enters_after_a_profile_is_read_by_it() {
    let stage = stage();
    submit(&stage, AIR, READING).await;
    let mut next = profile();
    next.hash = [4; 16];
    next.streams.get_mut("air").expect("declared").quantities.remove("pm25");
    let text = ProfileText { at: ArrivalTime(0), hash: [4; 16], semantics: 1, files: vec![], zones: vec![] };
    let appended = stage.room.adopt_profile(Arc::new(next), text).await.expect("adopted");
    assert_eq!(appended.first, Offset(1));
    let message = submit(&stage, AIR, READING).await;
    assert_eq!(
        (message.profile_hash, shown(&message.body)),
        ([4; 16], vec!["undeclared 0=missing flags 4".to_owned()])
    );
    let records = stage.log.records();
    assert!(matches!(&records[1], Record::Profile(profile) if profile.at == ArrivalTime(MIDNIGHT)));
}

#[tokio::test]
async fn downtime_is_a_gap_from_the_last_record_to_now() {
    let stage = stage();
    stage.room.resume(ArrivalTime(MIDNIGHT - 90 * SECOND)).await.expect("logged");
    let want = Gap {
        at: ArrivalTime(MIDNIGHT),
        cause: GapCause::Downtime,
        from: ArrivalTime(MIDNIGHT - 90 * SECOND),
        to: ArrivalTime(MIDNIGHT),
        principal: String::new(),
        lost: 0,
    };
    assert_eq!(stage.log.records(), [Record::Gap(want)]);
}

#[tokio::test]
async fn nothing_goes_below_the_last_record_of_the_log() {
    let stage = stage();
    let last = ArrivalTime(MIDNIGHT + 30 * SECOND);
    stage.room.resume(last).await.expect("logged");
    assert_eq!(submit(&stage, AIR, READING).await.arrival, last);
}

#[tokio::test]
async fn a_gap_begins_where_its_principal_was_last_heard() {
    let stage = stage();
    stage.clock.step(SECOND).expect("forward");
    submit(&stage, AIR, READING).await;
    stage.clock.step(SECOND).expect("forward");
    for principal in ["link", "other", ""] {
        let notice = GapNotice { cause: GapCause::SessionLost, principal: principal.to_owned(), lost: 5 };
        stage.room.gap(notice).await.expect("logged");
    }
    let spans: Vec<_> = stage
        .log
        .records()
        .into_iter()
        .filter_map(|record| if let Record::Gap(gap) = record { Some(gap) } else { None })
        .map(|gap| (gap.principal, gap.from.0 - MIDNIGHT, gap.to.0 - MIDNIGHT, gap.lost))
        .collect();
    let want = [
        ("link".to_owned(), SECOND, 2 * SECOND, 5),
        ("other".to_owned(), 0, 2 * SECOND, 5),
        (String::new(), SECOND, 2 * SECOND, 5),
    ];
    assert_eq!(spans, want);
}

#[tokio::test]
async fn a_batch_stands_together_and_mixes_what_it_may() {
    let stage = stage();
    let batch = vec![delivery(AIR, READING), delivery("no/where", "x"), delivery(AIR, "{")];
    let appended = stage.room.submit(batch).await.expect("taken").wait().await.expect("durable");
    assert_eq!((appended.first, appended.count), (Offset(0), 3));
    let reasons: Vec<_> = stage
        .log
        .messages()
        .into_iter()
        .map(|message| match message.body {
            MessageBody::Items(_) => None,
            MessageBody::Rejected(rejection) => Some(rejection.reason),
        })
        .collect();
    assert_eq!(reasons, [None, Some(RejectionReason::NoRoute), Some(RejectionReason::Syntax)]);
}
