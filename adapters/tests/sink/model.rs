//! A server of the v2 write call that keeps points as the documentation says: same measurement, tags and time are one
//! point, fields unite and the last write of a field stands. It fails as it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nhip_ports::contract::series_sink::Point;
use nhip_proto::{AreaCode, EventTime, FigureKey, IndicatorId};

/// How one request goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is taken, this is the answer.
    Answer(u16),
    /// The first half of the lines is taken, then this is the answer.
    HalfThen(u16),
    /// Everything is taken and the connection closed without an answer.
    TakenUnanswered,
    /// Everything is taken and nobody ever answers.
    TakenSilent,
}

type Fields = BTreeMap<String, String>;
/// Measurement with its tags, and the time.
type Place = (String, BTreeMap<String, String>, i64);

#[derive(Default)]
struct State {
    points: BTreeMap<Place, Fields>,
    faults: VecDeque<Fault>,
    /// Request line and login of each request, and its body.
    requests: Vec<(String, String, String)>,
    token: Option<String>,
    silent: Vec<TcpStream>,
}

/// The server; its threads end with the test.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Model {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let model = Self { address: listener.local_addr().expect("an address"), state: Arc::default() };
        let serving = model.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let model = serving.clone();
                std::thread::spawn(move || while model.serve(&stream).is_some() {});
            }
        });
        model
    }

    pub(crate) fn fail(&self, faults: &[Fault]) {
        self.state().faults.extend(faults);
    }

    /// Only this token may write.
    pub(crate) fn ask_for(&self, token: &str) {
        self.state().token = Some(token.to_owned());
    }

    pub(crate) fn requests(&self) -> Vec<(String, String, String)> {
        self.state().requests.clone()
    }

    /// What it says about every figure, ordered by figure.
    pub(crate) fn points(&self) -> Vec<Point> {
        let state = self.state();
        let mut points: Vec<Point> =
            state.points.iter().map(|(place, fields)| point(place, fields)).collect();
        points.sort_by(|left, right| left.key.cmp(&right.key));
        points
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request; none: the connection ended.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let (head, login, body) = request(stream)?;
        let mut state = self.state();
        state.requests.push((head.clone(), login.clone(), body.clone()));
        let lines: Vec<&str> = body.lines().collect();
        let status = match state.faults.pop_front() {
            Some(Fault::Answer(status)) => status,
            Some(Fault::HalfThen(status)) => {
                lines[..lines.len() / 2].iter().for_each(|line| state.take(line));
                status
            }
            Some(Fault::TakenUnanswered) => {
                lines.iter().for_each(|line| state.take(line));
                return None;
            }
            Some(Fault::TakenSilent) => {
                lines.iter().for_each(|line| state.take(line));
                state.silent.push(stream.try_clone().ok()?);
                return None;
            }
            None => state.answer(&head, &login, &lines),
        };
        drop(state);
        let text = if status == 204 { "" } else { "as the test wants it" };
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        let mut stream = stream;
        stream.write_all(answer.as_bytes()).ok()
    }
}

impl State {
    fn answer(&mut self, head: &str, login: &str, lines: &[&str]) -> u16 {
        if !head.starts_with("POST /api/v2/write?") {
            return 404;
        }
        if self.token.as_ref().is_some_and(|token| login != format!("Token {token}")) {
            return 401;
        }
        lines.iter().for_each(|line| self.take(line));
        204
    }

    fn take(&mut self, line: &str) {
        let parts = split(line, ' ');
        let [series, fields, time] = parts.as_slice() else { panic!("not a line: {line}") };
        let mut names = split(series, ',').into_iter();
        let measurement = names.next().expect("a measurement");
        let pair = |text: String| {
            let pair: Vec<String> = split(&text, '=');
            let [name, value] = pair.as_slice() else { panic!("not name=value: {text}") };
            (plain(name), value.clone())
        };
        let tags = names.map(pair).map(|(name, value)| (name, plain(&value))).collect();
        let place = (measurement, tags, time.parse().expect("nanoseconds"));
        let fields: Vec<(String, String)> = split(fields, ',').into_iter().map(pair).collect();
        self.points.entry(place).or_default().extend(fields);
    }
}

/// Request line, login and body.
fn request(stream: &TcpStream) -> Option<(String, String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut login, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() && !head.is_empty() {
            break;
        }
        if head.is_empty() {
            line.clone_into(&mut head);
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => value.clone_into(&mut login),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, login, String::from_utf8(body).expect("text")))
}

/// Parts between separators that are not escaped; the sink's quoted words hold none.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut escaped) = (vec![String::new()], false);
    for sign in text.chars() {
        match parts.last_mut() {
            Some(part) if sign != separator || escaped => part.push(sign),
            _ => parts.push(String::new()),
        }
        escaped = sign == '\\' && !escaped;
    }
    parts
}

fn plain(text: &str) -> String {
    text.replace("\\,", ",").replace("\\=", "=").replace("\\ ", " ")
}

fn point((measurement, tags, time): &Place, fields: &Fields) -> Point {
    assert_eq!(measurement, "figure");
    let tag = |name: &str| tags.get(name).cloned().unwrap_or_default();
    let number = |name: &str| fields[name].trim_end_matches('i').parse::<f64>().expect("a number");
    Point {
        key: FigureKey {
            indicator: IndicatorId::new(&tag("indicator")),
            area: AreaCode::new(&tag("area")),
            group: tag("group"),
            period: tag("period"),
            window_start: EventTime(*time),
        },
        revision: number("revision") as u32,
        value: (number("has_value") > 0.0).then(|| number("value")),
        parts: (number("numerator"), number("denominator")),
        k_of_m: (number("k") as u32, number("m") as u32),
        state: fields["state"].trim_matches('"').to_owned(),
    }
}
