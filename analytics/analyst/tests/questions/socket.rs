//! The worker's socket: whose it is, how many it serves, and that a killed process takes nothing else with it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nhip_proto::{AnalystCode, AnalystHead, AnalystQuestion, AnalystReply, Row};
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{MACHINE, Stage, question, revision};

const WAIT_MAX: Duration = Duration::from_secs(120);
/// Seconds of work; its process is held once it is seen, so that it is under way for certain.
const LONG: &str = "SELECT COUNT(*) AS n FROM revisions a CROSS JOIN revisions b CROSS JOIN revisions c \
                       CROSS JOIN revisions d WHERE a.value + b.value > c.value + d.value";

struct Served {
    child: Child,
    socket: PathBuf,
}

impl Served {
    fn start(stage: &Stage, flags: &[&str]) -> Self {
        let socket = stage.data().join("socket");
        let mut child = Command::new(env!("CARGO_BIN_EXE_nhip-analyst"))
            .args(["serve", "--data"])
            .arg(stage.data())
            .arg("--socket")
            .arg(&socket)
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert_eq!(line, format!("ready socket={}\n", socket.display()));
        Self { child, socket }
    }

    fn children(&self) -> Vec<u32> {
        let id = self.child.id();
        let path = format!("/proc/{id}/task/{id}/children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    }
}

impl Served {
    /// The process of a question, held where it is.
    fn held_question(&self) -> u32 {
        let child = until("a process for the question", || {
            let child = self.children().first().copied()?;
            // Before it has bounded itself it may still be the worker's own copy, with the worker's sockets.
            let limits = std::fs::read_to_string(format!("/proc/{child}/limits")).unwrap_or_default();
            let bounded = |line: &str| line.split_whitespace().take(4).eq(["Max", "file", "size", "0"]);
            limits.lines().any(bounded).then_some(child)
        });
        kill_process(pid(child), Signal::STOP).expect("held");
        child
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).expect("a pid")).expect("a pid")
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < WAIT_MAX, "{what}");
        std::thread::yield_now();
    }
}

fn send(socket: &Path, question: &AnalystQuestion) -> UnixStream {
    let mut stream = UnixStream::connect(socket).expect("connected");
    stream.set_read_timeout(Some(WAIT_MAX)).expect("set");
    let question = serde_json::to_vec(question).expect("JSON");
    stream.write_all(&u32::try_from(question.len()).expect("short").to_be_bytes()).expect("taken");
    stream.write_all(&question).expect("taken");
    stream
}

fn frame(stream: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn reply(stream: &mut UnixStream) -> AnalystReply {
    serde_json::from_slice(&frame(stream).expect("a frame")).expect("a reply")
}

/// Head and bytes of an answer that must come whole.
fn answer(socket: &Path, sql: &str) -> (AnalystHead, String) {
    let mut stream = send(socket, &question(sql));
    let head = match reply(&mut stream) {
        AnalystReply::Answer(head) => head,
        AnalystReply::Refusal(refusal) => panic!("{sql}: {}", refusal.message),
    };
    let mut bytes = Vec::new();
    loop {
        let part = frame(&mut stream).expect("a whole answer");
        if part.is_empty() {
            return (head, String::from_utf8(bytes).expect("UTF-8"));
        }
        bytes.extend(part);
    }
}

async fn stage() -> Stage {
    let stage = Stage::new(MACHINE);
    let rows: Vec<Row> = (0..2_000).map(|hour| revision(1, "80", hour, 0, Some(hour))).collect();
    stage.seal_rows(&[rows]).await;
    stage
}

#[tokio::test]
async fn the_socket_is_its_owners_and_answers_and_a_second_worker_is_told() {
    let stage = stage().await;
    let served = Served::start(&stage, &[]);
    let mode = std::fs::metadata(&served.socket).expect("the socket").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let (head, json) = answer(&served.socket, "SELECT COUNT(*) AS n FROM figures");
    assert_eq!((head.rows, head.rows_scanned), (1, 2_000));
    assert!(json.contains("[2000]"), "{json}");
    let (head, long) = answer(&served.socket, "SELECT * FROM figures");
    assert_eq!(head.rows, 2_000);
    assert_eq!(long.matches("\"env.pm25\"").count(), 2_000, "an answer of many parts");

    let second = Command::new(env!("CARGO_BIN_EXE_nhip-analyst"))
        .args(["serve", "--data"])
        .arg(stage.data())
        .arg("--socket")
        .arg(&served.socket)
        .output()
        .expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another worker listens there"), "{said}");
    answer(&served.socket, "SELECT 1 AS one FROM figures LIMIT 1");
}

#[tokio::test]
async fn a_killed_question_is_refused_and_the_worker_goes_on() {
    let stage = stage().await;
    let served = Served::start(&stage, &["--seconds", "600"]);
    let mut stream = send(&served.socket, &question(LONG));
    let child = served.held_question();
    kill_process(pid(child), Signal::KILL).expect("killed");
    match reply(&mut stream) {
        AnalystReply::Refusal(refusal) => assert_eq!(refusal.code, AnalystCode::Limit, "{}", refusal.message),
        AnalystReply::Answer(head) => panic!("{head:?}"),
    }
    let (_, json) = answer(&served.socket, "SELECT COUNT(*) AS n FROM figures");
    assert!(json.contains("[2000]"), "{json}");
}

#[tokio::test]
async fn places_are_bounded_and_whoever_leaves_frees_his() {
    let stage = stage().await;
    let served = Served::start(&stage, &["--seconds", "600", "--queries", "1", "--queue", "0"]);
    let asking = send(&served.socket, &question(LONG));
    let child = served.held_question();
    match reply(&mut send(&served.socket, &question("SELECT 1 AS one FROM figures"))) {
        AnalystReply::Refusal(refusal) => assert_eq!(refusal.code, AnalystCode::Busy, "{}", refusal.message),
        AnalystReply::Answer(head) => panic!("{head:?}"),
    }
    drop(asking);
    until("its process ends", || (!Path::new(&format!("/proc/{child}")).exists()).then_some(()));
    // The place is given back when the process is gone.
    until("a free place", || {
        let mut stream = send(&served.socket, &question("SELECT COUNT(*) AS n FROM figures"));
        matches!(reply(&mut stream), AnalystReply::Answer(_)).then_some(())
    });
}

#[tokio::test]
async fn what_is_no_question_ends_nothing() {
    let stage = stage().await;
    let served = Served::start(&stage, &[]);
    for bytes in
        [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0, 0, 0, 2, b'{', b'}'], &[0xff; 64], &[0, 0, 0, 9, 1]]
    {
        let mut stream = UnixStream::connect(&served.socket).expect("connected");
        stream.write_all(bytes).expect("taken");
        stream.shutdown(std::net::Shutdown::Write).expect("shut");
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
    }
    answer(&served.socket, "SELECT 1 AS one FROM figures LIMIT 1");
}

/// A worker that is killed leaves no process behind that computes for nobody.
#[tokio::test]
async fn a_killed_worker_takes_its_questions_with_it() {
    let stage = stage().await;
    let mut served = Served::start(&stage, &["--seconds", "600"]);
    let mut stream = send(&served.socket, &question(LONG));
    let child = served.held_question();
    served.child.kill().expect("killed");
    served.child.wait().expect("ended");
    assert!(frame(&mut stream).is_err(), "an answer from a dead worker");
    until("its process ends", || {
        let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    });
    // What it left of its socket does not keep the next one away.
    let again = Served::start(&stage, &[]);
    answer(&again.socket, "SELECT 1 AS one FROM figures LIMIT 1");
}
