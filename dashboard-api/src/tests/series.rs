//! The past over HTTP: as known then, rolled up exactly, compared, exported; refused where it is absurd.

use nhip_client::{HttpResponse, http_get, http_get_json};
use nhip_ports::{AsOf, RowStore as _};
use nhip_proto::{Decimal, EventTime, IndicatorId, Offset, Row, RowCause, RowState, SECOND};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::fixtures::{START, figure, profile};
use super::node::TestNode;
use crate::Config;
use crate::export::{Export, ExportOrder, Format, PIECES_QUEUED_MAX, ParquetOf};

const HOUR: i64 = 3_600 * SECOND;
/// 2026-11-21T00:00:00+07:00.
const MIDNIGHT: i64 = START - 14 * HOUR;

/// A final mean of `count` values whose sum is `tenths`, of the hour `hour` after midnight.
fn row(hour: i64, revision: u32, tenths: i128, count: i128, tick: u64) -> Row {
    let mut row = figure("env.pm25", "80", Some(tenths), 3).row.clone();
    row.key.window_start = EventTime(MIDNIGHT + hour * HOUR);
    row.window_end = EventTime(MIDNIGHT + (hour + 1) * HOUR);
    row.numerator = tenths;
    row.denominator = count;
    row.value = (count > 0).then(|| Decimal::new(tenths / count, 1));
    row.revision = revision;
    row.known_offset = Offset(tick);
    row.known_at = nhip_proto::ArrivalTime(MIDNIGHT + i64::try_from(tick).expect("small") * SECOND);
    (row.state, row.cause) = match revision {
        0 => (RowState::Final, RowCause::Closed),
        _ => (RowState::Revised, RowCause::OutOfOrder),
    };
    row
}

/// Three hours, one of them revised later, one without a value.
async fn node() -> TestNode {
    let mut province = (*profile(3)).clone();
    province = province.with_quantity("pm25", "µg/m³", 1);
    let node = TestNode::start(std::sync::Arc::new(province), Config::default()).await;
    let ticks = [
        (100, vec![row(0, 0, 10, 1, 100), row(1, 0, 990, 9, 100), row(2, 0, 0, 0, 100)]),
        (200, vec![row(0, 1, 40, 2, 200)]),
    ];
    for (tick, rows) in ticks {
        node.past.write(Offset(tick), &rows).await.expect("written");
    }
    node
}

const DAY: &str = "from=2026-11-21T00:00:00%2B07:00&to=2026-11-22T00:00:00%2B07:00";

async fn asked(node: &TestNode, more: &str) -> HttpResponse {
    let path = format!("/api/v1/series?indicator=env.pm25&area=80&{more}");
    http_get(&node.address, &path).await.expect("an answer")
}

async fn series(node: &TestNode, more: &str) -> Value {
    let answer = asked(node, more).await;
    let body = answer.json().expect("JSON");
    assert_eq!(answer.status, 200, "{more}: {body}");
    body
}

fn values(body: &Value) -> Vec<Value> {
    body["items"].as_array().into_iter().flatten().map(|point| point["value"].clone()).collect()
}

#[tokio::test]
async fn a_series_is_told_as_known_now_and_as_known_then() {
    let node = node().await;
    let now = series(&node, DAY).await;
    assert_eq!(values(&now), [json!(2.0), json!(11.0), Value::Null], "missing is null");
    assert_eq!(now["items"][0]["revision"], json!(1));
    assert_eq!(now["items"][0]["state"], json!("revised"));
    assert_eq!(now["unit"], json!("µg/m³"));
    assert_eq!(now["zone"], json!("Asia/Ho_Chi_Minh"));
    for then in ["199", "2026-11-21T00:03:19%2B07:00"] {
        let then = series(&node, &format!("{DAY}&as_of={then}")).await;
        assert_eq!(values(&then), [json!(1.0), json!(11.0), Value::Null]);
        assert_eq!(then["items"][0]["state"], json!("final"));
    }
    assert_eq!(values(&series(&node, &format!("{DAY}&as_of=99")).await), Vec::<Value>::new());
    let first = series(&node, &format!("{DAY}&limit=2")).await;
    let next = first["next"].as_str().expect("more").to_owned();
    let second = series(&node, &format!("{DAY}&limit=2&cursor={next}")).await;
    assert_eq!((values(&first).len(), values(&second).len(), &second["next"]), (2, 1, &Value::Null));
}

#[tokio::test]
async fn a_day_adds_what_stands_above_and_below() {
    let node = node().await;
    let day = series(&node, &format!("{DAY}&step=day")).await;
    // (4.0 + 99.0) ÷ (2 + 9), not the mean of 2.0 and 11.0.
    assert_eq!(values(&day), [json!(9.4)]);
    let point = &day["items"][0];
    assert_eq!(
        (&point["k"], &point["m"]),
        (&json!(2), &json!(14)),
        "hours with a value of those that have passed"
    );
    assert_eq!(point["state"], json!("provisional"), "the day is not over");
    assert_eq!(point["window"]["start"], json!("2026-11-21T00:00:00+07:00"));
    let then = series(&node, &format!("{DAY}&step=day&as_of=150")).await;
    assert_eq!(values(&then), [json!(10.0)], "(1.0 + 99.0) ÷ (1 + 9) as known then");
}

#[tokio::test]
async fn windows_of_two_definitions_have_no_common_value() {
    let node = node().await;
    let other = Row { definition: [9; 16], ..row(3, 0, 50, 1, 300) };
    node.past.write(Offset(300), &[other]).await.expect("written");
    let day = series(&node, &format!("{DAY}&step=day")).await;
    assert_eq!((&day["items"][0]["value"], &day["items"][0]["version"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_comparison_stands_beside() {
    let node = node().await;
    let range = "from=2026-11-21T01:00:00%2B07:00&to=2026-11-21T02:00:00%2B07:00";
    let body = series(&node, &format!("{range}&compare=previous-period")).await;
    assert_eq!(values(&body), [json!(11.0)]);
    assert_eq!(values(&body["compare"]), [json!(2.0)]);
    let body = series(&node, &format!("{range}&compare=previous-year")).await;
    assert_eq!(body["compare"]["from"], json!("2025-11-21T01:00:00+07:00"));
    let body = series(&node, &format!("{range}&compare=area:c001")).await;
    assert_eq!((&body["compare"]["area"], values(&body["compare"])), (&json!("c001"), Vec::new()));
}

#[tokio::test]
async fn what_is_absurd_is_refused_before_any_work() {
    let node = node().await;
    for (more, status) in [
        ("from=1700-01-01T00:00:00Z&to=2200-01-01T00:00:00Z", 422),
        ("from=-009999-01-01T00:00:00Z&to=9999-01-01T00:00:00Z", 422),
        ("from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z", 422),
        ("from=yesterday", 422),
        ("to=2026-11-21T00:00:00Z", 400),
        (format!("{DAY}&step=week").as_str(), 422),
        (format!("{DAY}&limit=0").as_str(), 422),
        (format!("{DAY}&limit=20001").as_str(), 422),
        (format!("{DAY}&cursor=x").as_str(), 422),
        (format!("{DAY}&as_of=tomorrow").as_str(), 422),
        (format!("{DAY}&as_of=99999999999999999999999").as_str(), 422),
        (format!("{DAY}&compare=area:../../etc/passwd").as_str(), 404),
        (format!("{DAY}&compare=nothing").as_str(), 422),
        (format!("{DAY}&lineage=../x").as_str(), 400),
    ] {
        let answer = asked(&node, more).await;
        assert_eq!(answer.status, status, "{more}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{more}");
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!body.contains("passwd") && !body.contains("tomorrow"), "nothing is repeated: {body}");
    }
    for path in ["series?indicator=..%2F..%2Fetc%2Fpasswd&area=80", "series?indicator=env.pm25&area=..%2F.."]
    {
        let answer = http_get(&node.address, &format!("/api/v1/{path}&{DAY}")).await.expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn restatements_of_a_range_come_from_the_store() {
    let node = node().await;
    let path = format!("/api/v1/restatements?indicator=env.pm25&{DAY}");
    let (status, body) = http_get_json(&node.address, &path).await.expect("an answer");
    assert_eq!(status, 200, "{body}");
    let items = body["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{body}");
    let told = &items[0];
    assert_eq!((&told["old"], &told["new"]), (&json!(1.0), &json!(2.0)));
    assert_eq!((&told["old_known_offset"], &told["known_offset"]), (&json!(100), &json!(200)));
    assert_eq!((&told["cause"], &told["views"]), (&json!("out_of_order"), &json!(["main"])));
    let then = format!("{path}&as_of=199");
    let (_, body) = http_get_json(&node.address, &then).await.expect("an answer");
    assert_eq!(body["items"], json!([]), "not yet known then");
    let refused = http_get(&node.address, "/api/v1/restatements?area=80").await.expect("an answer");
    assert_eq!(refused.status, 422, "a range needs its indicator");
}

#[tokio::test]
async fn an_export_says_what_it_is() {
    let node = node().await;
    let path = format!("/api/v1/export?indicator=env.pm25&{DAY}");
    let csv = http_get(&node.address, &path).await.expect("an answer");
    assert_eq!(csv.status, 200);
    let text = String::from_utf8(csv.body.to_vec()).expect("UTF-8");
    for line in [
        "unit,µg/m³,",
        "zone,Asia/Ho_Chi_Minh,",
        "definition version,",
        "basis,QCVN,",
        "points with a value,2,",
        "completeness k of m,9 of 9,",
        "indicator,area,area_name,group,window_start,",
        "env.pm25,80,80,,2026-11-21T00:00:00+07:00,2026-11-21T01:00:00+07:00,2.0,µg/m³,revised,1,",
        "env.pm25,80,80,,2026-11-21T02:00:00+07:00,2026-11-21T03:00:00+07:00,,µg/m³,final,0,",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let fields: Vec<usize> = text.lines().map(|line| line.matches(',').count()).collect();
    assert!(fields.windows(2).all(|pair| pair[0] == pair[1]), "{fields:?}");
    let json = http_get(&node.address, &format!("{path}&format=geojson")).await.expect("an answer").json();
    let json = json.expect("JSON");
    let feature = &json["features"][0];
    assert_eq!((&feature["geometry"], &feature["properties"]["area"]), (&Value::Null, &json!("80")));
    assert_eq!(feature["properties"]["points"][1]["value"], json!(11.0));
    let rows = http_get(&node.address, &format!("{path}&format=parquet")).await.expect("an answer");
    assert_eq!(&rows.body[..], b"3 rows, 15 facts");
    let sheet = http_get(&node.address, &format!("{path}&format=xlsx")).await.expect("an answer");
    assert_eq!(&sheet.body[..4], b"PK\x03\x04");
    for wrong in ["format=exe", "format=parquet&step=day", "format=csv&step=year"] {
        let refused = http_get(&node.address, &format!("{path}&{wrong}")).await.expect("an answer");
        assert_eq!(refused.status, 422, "{wrong}");
    }
}

/// However long it is, what stands in memory is a few pieces of a bounded size.
#[tokio::test]
async fn a_long_export_comes_in_small_pieces() {
    const POINTS: i64 = 20_000;
    const PIECE_BYTES_MAX: usize = 1 << 20;
    let node = node().await;
    let rows: Vec<Row> = (-POINTS..0).map(|hour| row(hour, 0, 10, 1, 300)).collect();
    node.past.write(Offset(300), &rows).await.expect("written");
    let province = (*profile(3)).clone().with_quantity("pm25", "µg/m³", 1);
    let none: ParquetOf = std::sync::Arc::new(|_, _| Ok(Vec::new()));
    for format in [Format::Csv, Format::Xlsx, Format::GeoJson] {
        let order = ExportOrder {
            indicator: IndicatorId::new("env.pm25"),
            area: None,
            group: String::new(),
            from: EventTime(MIDNIGHT - POINTS * HOUR),
            to: EventTime(MIDNIGHT),
            step: "window".to_owned(),
            as_of: AsOf::Now,
            format,
            now: EventTime(START),
        };
        let export = Export::prepare(&province, &*node.past, order, &|_| {}).await.expect("prepared");
        let (pieces, mut waiting) = mpsc::channel(PIECES_QUEUED_MAX);
        let write = async {
            export.write(&province, &*node.past, &none, &pieces, &|_| {}).await.expect("written");
            drop(pieces);
        };
        let read = async {
            let mut sizes = Vec::new();
            while let Some(piece) = waiting.recv().await {
                sizes.push(piece.expect("a piece").len());
            }
            sizes
        };
        let ((), sizes) = tokio::join!(write, read);
        let largest = sizes.iter().copied().max().unwrap_or(0);
        assert!(largest < PIECE_BYTES_MAX, "{format:?}: a piece of {largest} bytes");
        // A sheet is packed, and what is packed comes in fewer pieces; as a whole it would be one.
        assert!(sizes.len() >= 5, "{format:?}: {} pieces of {POINTS} points", sizes.len());
    }
}
