//! The dashboards name only what exists: each PromQL expression finds data in a real Prometheus that scrapes a running
//! node; each bucket, measurement, field and tag of the Flux stands in a real server after the sink wrote to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_proto::SECOND;
use nhip_tests::{
    MqttWire, Node, NodeOptions, Relay, SeriesServer, get, get_json, skipped, until, until_some, with_sink,
};
use serde_json::Value;

/// What Grafana puts in for its variable; the test scrapes each second.
const RATE_INTERVAL: &str = "20s";
const FOUND_MAX: Duration = Duration::from_secs(90);
/// Metrics that a node without trouble and without walls never shows; their names stand in docs/metrics.md.
const TROUBLE: &[&str] = &[
    "nhip_ingest_gaps_total",
    "nhip_dashboard_byes_total",
    "nhip_dashboard_lagged_total",
    "nhip_dashboard_sessions",
    "nhip_sink_failures_total",
    "nhip_sink_refused_rows_total",
];

/// One more indicator for a profile: figures by source, so that the tag `group` is written.
const GROUPED: &str = r#"
[[indicator]]
id = "load.each"
name = { vi = "Từng nguồn", en = "Each source" }
domain = "load"
unit = "vehicles"
scale = 0
owner = "Nhịp"
basis = "test"
stream = "load"
sum = "value"
window = "5s"
group = "source"
direction = "neutral"
completeness_min = 0.0

[[indicator.test]]
name = "one source"
story = '''
on 2026-11-21
at 07:00:00 load load-0000 value=5 seq=1 boot=1
at 07:00:08 load load-0000 value=1 seq=2 boot=1
tick 07:02
expect load.sum proof 07:00:00 = 5 final
'''
"#;

#[test]
fn every_metric_and_label_of_the_dashboards_is_documented() {
    let documented = read("docs/metrics.md");
    let row = |name: &str| documented.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
    let mut names = 0;
    for expression in expressions() {
        let (metrics, labels) = (metrics_of(&expression), grouped_by(&expression));
        for name in metrics.iter().filter(|name| *name != "up") {
            let row = row(name).unwrap_or_else(|| panic!("docs/metrics.md has no {name}: {expression}"));
            let missing = labels.iter().find(|label| !row.contains(&format!("`{label}`")));
            assert!(missing.is_none(), "{name} has no label {missing:?}: {row}");
            names += 1;
        }
        assert!(expression.contains(r#"job="nhip""#), "only our own: {expression}");
    }
    assert!(names > 20, "only {names} metrics are named: the check would check nothing");
}

#[test]
fn panels_and_variables_ask_the_provisioned_sources() {
    let sources = read("grafana/provisioning/datasources/nhip.yaml");
    for (file, kind) in [("operations", "prometheus"), ("indicators", "influxdb")] {
        let dashboard = dashboard(file);
        let mut asked = BTreeSet::new();
        walk(&dashboard, &mut |object| {
            if let Some(source) = object.get("datasource") {
                asked.insert((source["type"].to_string(), source["uid"].to_string()));
            }
        });
        let uid = if kind == "prometheus" { "nhip-prometheus" } else { "nhip-influx" };
        assert_eq!(asked, BTreeSet::from([(format!("{kind:?}"), format!("{uid:?}"))]), "{file}");
        assert!(sources.contains(&format!("uid: {uid}\n")) && sources.contains(&format!("type: {kind}\n")));
    }
}

#[test]
fn the_dashboards_find_what_a_running_node_and_its_sink_wrote() {
    let test = "the_dashboards_find_what_a_running_node_and_its_sink_wrote";
    let Some(program) = with_sink() else { return skipped(test, "nhip-influx is not built") };
    let directory = tempfile::tempdir().expect("a directory");
    let Some(series) = SeriesServer::victoria_metrics(directory.path()) else {
        return skipped(test, "victoria-metrics is not installed");
    };
    let relay = Relay::to(series.address);
    let (org, bucket) = (provisioned("organization"), provisioned("defaultBucket"));
    let config = directory.path().join("nhip.toml");
    let text = format!(
        "[sink.influx]\nurl = \"http://{}\"\norg = \"{org}\"\nbucket = \"{bucket}\"\ninterval_s = 1\n",
        relay.address
    );
    std::fs::write(&config, text).expect("a configuration");
    let mut options = NodeOptions::run(&directory.path().join("data"))
        .set("--profile", &profile(directory.path()))
        .set("--config", &config.to_string_lossy());
    options.program = Some(program);
    let node = Node::start(&options).expect("a node");
    let scrape = read("grafana/prometheus.yml").replace("127.0.0.1:8080", &node.http.to_string());
    let scrape = scrape.replace("scrape_interval: 15s", "scrape_interval: 1s");
    let Some(prometheus) = SeriesServer::prometheus(directory.path(), &scrape) else {
        return skipped(test, "prometheus is not installed");
    };
    let mut city = City { node: &node, sequence: 0 };
    every_expression_finds_data(&mut city, &prometheus);
    every_name_of_the_flux_is_written(&mut city, &series);
    let line = format!("POST /api/v2/write?bucket={bucket}&org={org}&precision=ns HTTP/1.1");
    assert_eq!(relay.request_lines(), [line], "the bucket the panels read");
}

fn every_expression_finds_data(city: &mut City<'_>, prometheus: &SeriesServer) {
    let mut missing = expressions();
    assert!(missing.len() > 20, "the check would check nothing");
    until("every expression finds data", FOUND_MAX, || {
        city.live();
        missing.retain(|expression| found(prometheus, expression).is_empty());
        missing.is_empty()
    });
    // A fallback to 0 would hide a metric that does not exist.
    for name in expressions().iter().flat_map(|expression| metrics_of(expression)) {
        let there = !found(prometheus, &name).is_empty();
        assert!(there || TROUBLE.contains(&name.as_str()), "{name} is not on /metrics of a running node");
    }
}

/// The samples of an instant query.
fn found(prometheus: &SeriesServer, expression: &str) -> Vec<Value> {
    let expression = expression.replace("$__rate_interval", RATE_INTERVAL);
    let (status, body) =
        get(prometheus.address, &format!("/api/v1/query?query={}", escaped(&expression))).expect("an answer");
    assert_eq!(status, 200, "{expression}: {body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    answer["data"]["result"].as_array().cloned().expect("a list")
}

fn every_name_of_the_flux_is_written(city: &mut City<'_>, series: &SeriesServer) {
    let (fields, tags) = until_some("the sink wrote figures by source", FOUND_MAX, || {
        city.live();
        let mut written: (BTreeSet<String>, BTreeSet<String>) = Default::default();
        for one in series.export() {
            written.0.insert(one.name);
            written.1.extend(one.labels.as_object().into_iter().flat_map(|labels| labels.keys().cloned()));
        }
        written.1.contains("group").then_some(written)
    });
    let queries = flux();
    assert!(queries.len() > 5, "the check would check nothing");
    for query in queries {
        let names = Names::of(&query);
        assert!(!names.measurements.is_empty(), "a query names its measurement: {query}");
        for measurement in &names.measurements {
            for field in &names.fields {
                assert!(fields.contains(&format!("{measurement}_{field}")), "no field {field}: {query}");
            }
        }
        let computed = |name: &String| names.computed.contains(name) || name.starts_with('_');
        for name in names.columns.iter().filter(|name| !computed(name)) {
            let is_field = names.fields.contains(name);
            assert!(is_field || tags.contains(name), "neither tag nor field of its query: {name}: {query}");
        }
        for tag in &names.tags {
            assert!(tags.contains(tag), "no tag {tag}: {query}");
        }
        let buckets: BTreeSet<&str> = behind(&query, "bucket: ").collect();
        assert_eq!(buckets, BTreeSet::from(["v.defaultBucket"]), "the bucket of the data source: {query}");
    }
}

/// What a Flux text names.
#[derive(Default)]
struct Names {
    measurements: BTreeSet<String>,
    fields: BTreeSet<String>,
    /// `tag: "…"` of a variable.
    tags: BTreeSet<String>,
    /// `r.…`, and the columns it keeps.
    columns: BTreeSet<String>,
    /// Columns it makes itself.
    computed: BTreeSet<String>,
}

impl Names {
    fn of(query: &str) -> Self {
        let quoted = |mark: &str| behind(query, mark).map(str::to_owned).collect();
        let kept = query.split("keep(columns: [").skip(1).filter_map(|rest| rest.split(']').next());
        let kept = kept.flat_map(|list| list.split('"').skip(1).step_by(2)).map(str::to_owned);
        Self {
            measurements: quoted("r._measurement == \""),
            fields: quoted("r._field == \""),
            tags: quoted("tag: \""),
            columns: behind(query, "r.").map(str::to_owned).chain(kept).collect(),
            computed: quoted("{r with "),
        }
    }
}

/// The word behind each mark.
fn behind<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '.';
    text.split(mark).skip(1).map(move |rest| rest.split(|sign| !is_word(sign)).next().unwrap_or_default())
}

/// A node's neighbours: they send good messages and one that cannot be read, and look at its pages.
struct City<'a> {
    node: &'a Node,
    sequence: u64,
}

impl City<'_> {
    fn live(&mut self) {
        self.sequence += 1;
        let at = SystemClock::system().0 / SECOND * 1_000;
        let good = format!(r#"{{"time":{at},"sequence":{},"boot":1,"values":{{"value":7}}}}"#, self.sequence);
        let messages = [
            ("nhip/v1/proof/load/load-0000", good.as_bytes()),
            ("nhip/v1/proof/load/load-0001", b"not JSON".as_slice()),
        ];
        let address = self.node.mqtt.expect("an endpoint");
        let mut wire = MqttWire::connect(address, "city").expect("a connection");
        wire.publish_all(messages).expect("acknowledged");
        assert!(get_json(self.node.http, "/api/v1/indicators").is_object());
    }
}

/// The proof's profile with one more indicator.
fn profile(directory: &Path) -> String {
    let copy = directory.join("profile");
    std::fs::create_dir(&copy).expect("a directory");
    for entry in std::fs::read_dir(root().join("profiles/proof")).expect("the profile") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("copied");
    }
    let load = std::fs::read_to_string(copy.join("load.toml")).expect("text");
    std::fs::write(copy.join("load.toml"), load + GROUPED).expect("written");
    copy.to_string_lossy().into_owned()
}

/// Every PromQL expression of the operations' dashboard.
fn expressions() -> Vec<String> {
    texts("operations", "expr")
}

/// Every Flux text of the indicators' dashboard, its variables' too.
fn flux() -> Vec<String> {
    texts("indicators", "query")
}

fn texts(file: &str, key: &str) -> Vec<String> {
    let mut texts = Vec::new();
    walk(&dashboard(file), &mut |object| {
        texts.extend(object.get(key).and_then(Value::as_str).map(str::to_owned));
    });
    texts
}

fn dashboard(file: &str) -> Value {
    serde_json::from_str(&read(&format!("grafana/dashboards/{file}.json"))).expect("JSON")
}

fn walk(value: &Value, look: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            look(object);
            object.values().for_each(|value| walk(value, look));
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, look)),
        _ => {}
    }
}

fn metrics_of(expression: &str) -> Vec<String> {
    let words = expression.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let mut names: Vec<String> =
        words.filter(|word| word.starts_with("nhip_") || *word == "up").map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn grouped_by(expression: &str) -> Vec<String> {
    let lists = expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    lists.flat_map(|list| list.split(", ")).map(str::to_owned).collect()
}

/// The value of a key of the provisioned data sources.
fn provisioned(key: &str) -> String {
    let text = read("grafana/provisioning/datasources/nhip.yaml");
    let found: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.trim().split_once(": ")).collect();
    found.get(key).copied().unwrap_or_else(|| panic!("no {key}")).to_owned()
}

/// Percent-encoding of a query's value.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
