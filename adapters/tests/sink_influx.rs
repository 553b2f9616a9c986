//! The InfluxDB 2 sink against a model of the server: the port's promises, and every way a request goes wrong.

use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::{InfluxSettings, InfluxSink};
use nhip_ports::contract::row_store::row;
use nhip_ports::contract::series_sink::{self, Point};
use nhip_ports::{SeriesSink, SinkError};
use nhip_proto::Row;

#[path = "sink/model.rs"]
mod model;

use model::{Fault, Model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_promises_of_the_port() {
    series_sink::all(|| {
        let model = Model::start();
        let sink = InfluxSink::new(settings(&model)).expect("a sink");
        (Arc::new(sink), Box::new(move || model.points()))
    })
    .await;
}

#[tokio::test]
async fn a_row_is_one_line_with_every_field() {
    let want = "figure,area=25459,indicator=env.pm25,origin=simulated,period=1h has_value=1i,value=35.2,\
                numerator=-3520,denominator=3,k=4i,m=5i,revision=2i,state=\"final\",level=\"normal\",\
                cause=\"closed\",definition=\"07070707070707070707070707070707\",\
                window_end_ms=1795244400000i,known_at_ms=1795244712031i,known_offset=10i \
                1795240800000000000\n";
    assert_eq!(body(&[row(10, "env.pm25", 2)]).await, want);
}

#[tokio::test]
async fn a_missing_value_is_not_zero() {
    let text = body(&[Row { value: None, ..row(10, "a", 0) }]).await;
    assert!(text.contains(" has_value=0i,numerator="), "{text}");
    assert!(!text.contains(",value="), "{text}");
}

#[tokio::test]
async fn groups_are_escaped() {
    let mut odd = row(10, "a", 0);
    odd.key.group = "a b,c=d\\e\nf".to_owned();
    let text = body(&[odd]).await;
    assert!(text.contains(",group=a\\ b\\,c\\=d\u{fffd}e\u{fffd}f,"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[tokio::test]
async fn one_line_per_figure_whatever_the_order() {
    let (old, new, other) = (row(10, "a", 1), row(20, "a", 2), row(20, "b", 0));
    let text = body(&[old.clone(), new.clone(), other.clone()]).await;
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("revision=2i") && !text.contains("revision=1i"), "{text}");
    assert_eq!(body(&[other, new, old]).await, text);
}

#[tokio::test]
async fn bucket_organisation_precision_and_token_are_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let token_file = directory.path().join("token");
    std::fs::write(&token_file, "first\n").expect("a token");
    let model = Model::start();
    model.ask_for("second");
    let sink = InfluxSink::new(InfluxSettings { token_file: Some(token_file.clone()), ..settings(&model) });
    let sink = sink.expect("a sink");
    assert_eq!(reason(sink.write(&[row(10, "a", 0)]).await), "denied");
    std::fs::write(&token_file, "second\n").expect("a token");
    sink.write(&[row(10, "a", 0)]).await.expect("the token was read again");
    let (head, login, _) = model.requests().pop().expect("a request");
    assert_eq!(head, "POST /api/v2/write?bucket=figures&org=t%E1%BB%89nh&precision=ns HTTP/1.1");
    assert_eq!(login, "Token second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_is_named_and_the_same_bytes_sent_again_repair_it() {
    let cases = [
        (Fault::Answer(503), "server_error", true),
        (Fault::HalfThen(500), "server_error", false),
        (Fault::Answer(429), "too_many_requests", true),
        (Fault::Answer(404), "not_found", true),
        (Fault::Answer(403), "denied", true),
        (Fault::Answer(302), "status", true),
        (Fault::Answer(200), "status", true),
        (Fault::TakenUnanswered, "connection", false),
        (Fault::TakenSilent, "slow", false),
    ];
    let rows: Vec<Row> = (0..4).map(|number| row(10, &format!("i{number}"), 0)).collect();
    let want: Vec<Point> = rows.iter().map(Point::of).collect();
    for (fault, word, waits) in cases {
        let model = Model::start();
        model.fail(&[fault]);
        let sink = InfluxSink::new(settings(&model)).expect("a sink");
        let failed = sink.write(&rows).await;
        let Err(SinkError::Unavailable { reason, after, .. }) = failed else {
            panic!("{fault:?}: {failed:?}")
        };
        assert_eq!((reason, after.is_some()), (word, waits), "{fault:?}");
        sink.write(&rows).await.expect("the second attempt");
        let bodies: Vec<String> = model.requests().into_iter().map(|(_, _, body)| body).collect();
        assert_eq!(bodies.len(), 2, "{fault:?}");
        assert_eq!(bodies[0], bodies[1], "{fault:?}: the same bytes");
        assert_eq!(model.points(), want, "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_not_tried_again() {
    for status in [400, 413, 422] {
        let model = Model::start();
        model.fail(&[Fault::HalfThen(status)]);
        let sink = InfluxSink::new(settings(&model)).expect("a sink");
        let refused = sink.write(&[row(10, "a", 0)]).await;
        assert!(matches!(&refused, Err(SinkError::Refused(said)) if said.contains("as the test wants it")));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_panic() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", closed.expect("a port nobody listens on any more"));
    let sink = InfluxSink::new(InfluxSettings { url, ..settings(&Model::start()) }).expect("a sink");
    assert_eq!(reason(sink.write(&[row(10, "a", 0)]).await), "connection");
}

#[test]
fn wrong_settings_are_told_at_once() {
    let model = Model::start();
    for url in ["", "localhost:8086", "/3242/23", "ftp://host", "http://host/influx", "http://"] {
        let sink = InfluxSink::new(InfluxSettings { url: url.to_owned(), ..settings(&model) });
        assert!(sink.is_err(), "{url}");
    }
    let absent = InfluxSettings { token_file: Some("/none/such".into()), ..settings(&model) };
    assert!(InfluxSink::new(absent).is_err_and(|error| error.to_string().contains("/none/such")));
    let no_certificate = InfluxSettings { ca_file: Some("/none/such".into()), ..settings(&model) };
    assert!(InfluxSink::new(no_certificate).is_err());
}

/// What is sent for these rows.
async fn body(rows: &[Row]) -> String {
    let model = Model::start();
    InfluxSink::new(settings(&model)).expect("a sink").write(rows).await.expect("taken");
    model.requests().pop().expect("a request").2
}

fn settings(model: &Model) -> InfluxSettings {
    InfluxSettings {
        url: format!("http://{}", model.address),
        org: "tỉnh".to_owned(),
        bucket: "figures".to_owned(),
        token_file: None,
        ca_file: None,
        request_s_max: 1,
    }
}

fn reason(written: Result<(), SinkError>) -> &'static str {
    match written {
        Err(SinkError::Unavailable { reason, after, .. }) => {
            assert!(after.is_none_or(|pause| pause >= Duration::from_secs(5)));
            reason
        }
        other => panic!("not unavailable: {other:?}"),
    }
}
