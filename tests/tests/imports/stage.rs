//! A node whose people write figures of visits, with a token on the machine.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use nhip_tests::{AirNode, get_json, nhip};
use serde_json::Value;

pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub(crate) const COMMIT: &str = "/api/v1/statistics?stream=visits&source=so-du-lich";
pub(crate) const PREVIEW: &str = "/api/v1/statistics/preview?stream=visits&source=so-du-lich";
/// Places a figure may be of.
pub(crate) const PLACES: usize = 400;
/// How long one answer may take on a busy machine.
const ANSWER: Duration = Duration::from_secs(120);

const SOURCES: &str = "id,stream,area,name,name_en,owner\nair-a,air,A,Trạm A,Station A,Nhịp\n\
    so-du-lich,visits,P,Sở Du lịch,Tourism department,Sở Du lịch\n\
    thong-ke,stays,P,Thống kê tỉnh,Provincial statistics,Thống kê\n";

pub(crate) struct Stage {
    pub(crate) air: AirNode,
    pub(crate) token: String,
}

impl Stage {
    pub(crate) fn start(directory: &Path) -> Self {
        let with_visits = |profile: &str| {
            let streams = profile.replace("[[route]]", &format!("{}\n[[route]]", stream()));
            format!("{streams}\n{STAYS}")
        };
        let air = AirNode::start(directory, with_visits, &[("sources.csv", SOURCES)]);
        let mut stage = Self { air, token: String::new() };
        stage.token =
            stage.add_token(&["--name", "Nguyễn Thị Hoa", "--stream", "visits", "--source", "*", "--read"]);
        stage.until_taken();
        stage
    }

    /// The secret of a new token.
    pub(crate) fn add_token(&self, words: &[&str]) -> String {
        let data = self.air.data.to_string_lossy();
        let said = nhip(&[&["token", "add", "--data", &data], words].concat());
        said.lines().last().expect("a secret").to_owned()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.air.stepped.node.http
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        post_as(self.http(), path, &self.token, kind, body).expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, answer) = exchange(self.http(), "GET", path, &self.token, "", &[]).expect("an answer");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Rows people wrote, of all pages.
    pub(crate) fn written(&self, query: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/statistics?limit=5000{query}{cursor}"));
            rows.extend(page["items"].as_array().expect("items").iter().cloned());
            let Some(next) = page["next"].as_str() else { return rows };
            cursor = format!("&cursor={next}");
        }
    }

    /// Waits until imports are taken after a start.
    pub(crate) fn until_taken(&self) {
        nhip_tests::until("imports are taken", Duration::from_secs(60), || {
            exchange(self.http(), "GET", "/api/v1/imports", &self.token, "", &[])
                .is_ok_and(|(status, _)| status == 200)
        });
    }

    pub(crate) fn kill_and_start(&mut self) {
        self.air.stepped.kill_and_start();
        self.until_taken();
    }
}

pub(crate) fn post_as(
    http: SocketAddr,
    path: &str,
    token: &str,
    kind: &str,
    body: &[u8],
) -> std::io::Result<(u16, Value)> {
    exchange(http, "POST", path, token, kind, body)
}

fn exchange(
    http: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    kind: &str,
    body: &[u8],
) -> std::io::Result<(u16, Value)> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(http)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let (_, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok((status, serde_json::from_str(body).map_err(|_| std::io::ErrorKind::InvalidData)?))
}

/// Records in the log that a person wrote.
pub(crate) fn log_end(stage: &Stage) -> u64 {
    get_json(stage.http(), "/api/v1/ledger")["offset"].as_u64().expect("an offset")
}

fn stream() -> String {
    let places: Vec<String> = (0..PLACES).map(|place| format!("\"p{place:03}\"")).collect();
    format!(
        r#"
[[quantity]]
name = "guests"
label = {{ vi = "Lượt khách", en = "Guests" }}
unit = "people"
scale = 0
min = 0
max = 1000000

[[quantity]]
name = "nights"
label = {{ vi = "Đêm lưu trú", en = "Nights" }}
unit = "d"
scale = 2
min = 0
max = 1000

[[stream]]
id = "visits"
name = {{ vi = "Khách tham quan", en = "Visits" }}
class = "statistic"
identity = "none"
cadence = "30d"
lateness = "36500d"
horizon = "36500d"
staleness = "90d"

[stream.quantities]
guests = "people"
nights = "d"

[stream.states]
place = [{}]
phase = ["estimate", "preliminary", "official"]
"#,
        places.join(", ")
    )
}

/// A statistic of which the latest phase stands, and the figure it makes.
const STAYS: &str = r#"
[[stream]]
id = "stays"
name = { vi = "Khách lưu trú", en = "Stays" }
class = "statistic"
identity = "none"
cadence = "30d"
lateness = "3650d"
horizon = "3650d"
staleness = "400d"
place = "area"

[stream.quantities]
guests = "people"

[stream.states]
area = "areas"
phase = ["estimate", "preliminary", "official"]

[stream.statistic]
phase = "phase"

[[indicator]]
id = "stays_1mo"
name = { vi = "Khách lưu trú trong tháng", en = "Guests of the month" }
domain = "env"
unit = "people"
scale = 0
owner = "Nhịp"
basis = "test"
stream = "stays"
sum = "guests"
window = "1mo"
direction = "better"
"#;
