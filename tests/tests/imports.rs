//! Statistics written by people on the real program: every cell to mend is told and nothing is written; a mended
//! document is written whole, once, and survives kill -9 whole or not at all.

#[path = "imports/sheet.rs"]
mod sheet;
#[path = "imports/stage.rs"]
mod stage;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use nhip_tests::{binary, nhip};
use serde_json::Value;

use sheet::{Cell, Sheet, packed, text};
use stage::{COMMIT, PLACES, PREVIEW, Stage, XLSX, log_end, post_as};

/// Rows of the large document.
const ROWS: usize = 100_000;
/// How long the judgement of the large document may take.
const JUDGED_MAX: Duration = Duration::from_secs(5);

/// Headings, then rows of different figures from row 2 on.
fn document(rows: usize) -> Sheet {
    let headings = ["period", "place", "phase", "guests", "nights", "nights_unit"].map(text).to_vec();
    let mut sheet = Sheet { rows: vec![headings], ..Sheet::default() };
    for row in 0..rows {
        let day = jiff::civil::date(2029, 1, 1).saturating_add(jiff::Span::new().days((row / PLACES) as i64));
        sheet.rows.push(vec![
            text(&day.to_string()),
            text(&format!("p{:03}", row % PLACES)),
            text("estimate"),
            Cell::Number("1234"),
            Cell::Number("2.5"),
            text("d"),
        ]);
    }
    sheet
}

/// Cell → kind of everything listed.
fn listed(answer: &Value) -> BTreeMap<String, String> {
    let of = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    answer["listed"].as_array().into_iter().flatten().map(|one| (of(one, "cell"), of(one, "kind"))).collect()
}

/// Puts one of everything that can be wrong into a document; what must be told of it.
fn spoil(sheet: &mut Sheet) -> BTreeMap<String, String> {
    for (row, column, cell) in [
        (3, 4, text("1.234,5")),
        (4, 4, text("abc")),
        (5, 4, Cell::Formula("1234")),
        (6, 4, Cell::Fault("#N/A")),
        (7, 4, Cell::Percent("0.12")),
        (8, 4, Cell::Number("12345678901234567")),
        (9, 4, Cell::Number("12.5")),
        (10, 4, Cell::Number("1000001")),
        (11, 6, text("ngày công")),
        (12, 6, text("km")),
        (13, 1, Cell::Date("46266")),
        (14, 1, text("9/2026")),
        (15, 1, text("2030-03")),
        (16, 2, text("p4OO")),
        (17, 3, Cell::Blank),
        (18, 2, text("p000")),
        (19, 4, Cell::Blank),
    ] {
        sheet.set(row, column, cell);
    }
    sheet.set(19, 5, Cell::Blank);
    sheet.rows[19].push(text("ghi thêm"));
    sheet.merges.push("D22:D23");
    sheet.hidden_rows.push(24);
    let told = [
        ("D3", "number_as_text"),
        ("D4", "not_a_number"),
        ("D5", "formula"),
        ("D6", "error_value"),
        ("D7", "shown_as_percent"),
        ("D8", "not_exact"),
        ("D9", "too_many_digits"),
        ("D10", "out_of_range"),
        ("F11", "unknown_unit"),
        ("F12", "other_unit"),
        ("A13", "date_in_cell"),
        ("A14", "period_invalid"),
        ("A15", "period_ahead"),
        ("B16", "unknown_word"),
        ("C17", "blank"),
        ("D18", "duplicate"),
        ("E18", "duplicate"),
        ("19", "no_figure"),
        ("G20", "cell_beside_table"),
        ("D22", "merged"),
        ("D23", "merged"),
        ("24", "hidden_row"),
    ];
    told.map(|(cell, kind)| (cell.to_owned(), kind.to_owned())).into()
}

#[test]
fn a_large_document_lists_every_mistake_then_is_written_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = Stage::start(directory.path());
    let mut spoilt = document(ROWS);
    let mut told = spoil(&mut spoilt);
    for row in (100..=ROWS).step_by(10) {
        spoilt.set(row, 4, text("12 %"));
        told.insert(format!("D{row}"), "number_as_text".to_owned());
    }
    let file = spoilt.xlsx();
    let (before, resident) = (log_end(&stage), stage.air.stepped.node.resident_kib());
    for path in [PREVIEW, COMMIT] {
        let began = Instant::now();
        let (status, answer) = stage.post(path, XLSX, &file);
        let took = began.elapsed();
        assert_eq!(status, if path == PREVIEW { 200 } else { 422 }, "{}", answer["detail"]);
        assert_eq!(listed(&answer), told);
        assert_eq!(answer["mistakes"], told.len());
        assert_eq!(answer["rows"], ROWS);
        assert_eq!(answer["written"], Value::Null);
        assert!(took < JUDGED_MAX, "{took:?} for {ROWS} rows");
    }
    assert_eq!(log_end(&stage), before, "nothing was written");
    let grown = stage.air.stepped.node.resident_kib().saturating_sub(resident);
    assert!(grown < 400 << 10, "{grown} KiB");

    let mended = document(ROWS).xlsx();
    let (status, answer) = stage.post(COMMIT, XLSX, &mended);
    assert_eq!(status, 201, "{}", answer["detail"]);
    let first = answer["written"]["offset"].as_u64().expect("an offset");
    assert_eq!(answer["written"]["last_offset"].as_u64(), Some(first + ROWS as u64));
    assert_eq!(answer["written"]["author"], "Nguyễn Thị Hoa");
    let end = first + ROWS as u64 + 1;
    stage.air.stepped.settle();
    assert_eq!(log_end(&stage), end);
    for _ in 0..2 {
        let (status, again) = stage.post(COMMIT, XLSX, &mended);
        assert_eq!((status, &again["repeated"]), (200, &Value::Bool(true)));
        assert_eq!(again["written"], answer["written"]);
        assert_eq!(again["unchanged"], 2 * ROWS);
        stage.air.stepped.settle();
        stage.kill_and_start();
    }
    let rows = stage.written("&stream=visits");
    assert_eq!(rows.len(), ROWS);
    assert!(rows.iter().all(|row| row["author"] == "Nguyễn Thị Hoa" && row["source"] == "so-du-lich"));
}

#[test]
fn a_revision_tells_what_it_changes_and_both_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let stage = Stage::start(directory.path());
    let first =
        "period;place;phase;guests;nights\n2029-09;p001;estimate;1200;2,5\n2029-Q3;p001;estimate;3000;\n";
    let path = format!("{COMMIT}&decimal=comma");
    let (status, answer) = stage.post(&path, "text/csv", first.as_bytes());
    assert_eq!(status, 201, "{answer}");
    assert_eq!((&answer["figures"], &answer["changes"]), (&Value::from(3), &Value::from(0)));
    let revised = "kỳ\tplace\tphase\tLượt khách\tnote\n2029-09\tp001\tpreliminary\t1250\tđã rà soát\n";
    let pasted = serde_json::json!({ "text": revised }).to_string();
    let (_, preview) = stage.post(PREVIEW, "application/json", pasted.as_bytes());
    let change = &preview["changed"][0];
    assert_eq!((&change["cell"], &change["old"], &change["new"]), (&"D2".into(), &1200.into(), &1250.into()));
    assert_eq!(stage.post(COMMIT, "application/json", pasted.as_bytes()).0, 201);
    let long = "chỉ tiêu,giá trị,unit,period,place,phase\nguests,1100,người,2029-09,p001,estimate\n\
                nights,36,h,2029-10,p001,estimate\n";
    let (status, answer) = stage.post(COMMIT, "text/csv", long.as_bytes());
    assert_eq!((status, &answer["form"], &answer["behind"]), (201, &"long".into(), &1.into()), "{answer}");
    let rows =
        stage.written("&stream=visits&from=2029-09-01T00:00:00%2B07:00&to=2029-10-01T00:00:00%2B07:00");
    let told = rows.iter().map(|row| (row["phase"].as_str(), row["values"]["guests"]["value"].as_i64()));
    let told: Vec<_> = told.collect();
    let expected = [
        (Some("estimate"), Some(1100)),
        (Some("preliminary"), Some(1250)),
        (Some("estimate"), Some(3000)),
        (Some("estimate"), Some(1200)),
    ];
    assert_eq!(told, expected);
    let imports = stage.get("/api/v1/imports");
    assert_eq!(imports["items"].as_array().map(Vec::len), Some(3));
}

/// The way from a typed cell to a figure, and what it was at any time.
#[test]
fn both_values_of_a_revised_figure_stand_as_of_their_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = Stage::start(directory.path());
    stage.token =
        stage.add_token(&["--name", "Trần Văn Bình", "--stream", "stays", "--source", "*", "--read"]);
    let mut known = Vec::new();
    for (phase, guests) in [("estimate", 1_200), ("official", 1_250)] {
        let sheet = format!("period,area,phase,guests\n2029-09,A,{phase},{guests}\n");
        let path = COMMIT.replace("visits", "stays").replace("so-du-lich", "thong-ke");
        let (status, answer) = stage.post(&path, "text/csv", sheet.as_bytes());
        assert_eq!(status, 201, "{answer}");
        let later = stage.air.stepped.now().plus(120 * nhip_proto::SECOND);
        stage.air.stepped.step_to(later);
        stage.air.stepped.settle();
        known.push((log_end(&stage), guests));
    }
    let range = "from=2029-09-01T00:00:00%2B07:00&to=2029-10-01T00:00:00%2B07:00";
    for (offset, guests) in known {
        for area in ["A", "P"] {
            let path = format!("/api/v1/series?indicator=stays_1mo&area={area}&{range}&as_of={}", offset - 1);
            let series = stage.get(&path);
            assert_eq!(series["items"][0]["value"], guests, "{area} at {offset}: {series}");
        }
    }
}

#[test]
fn a_kill_in_the_middle_leaves_all_or_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = Stage::start(directory.path());
    let rows = 20_000;
    let file = document(rows).xlsx();
    let seed = nhip_tests::seed("a_kill_in_the_middle");
    let mut written = 0;
    for round in 0..nhip_tests::rounds("NHIP_IMPORT_KILLS", 4) {
        // One other number makes another document.
        let mut one = document(rows);
        one.set(2, 5, Cell::Number(["1", "2", "3", "4", "5", "6", "7", "8"][round as usize % 8]));
        let bytes = if round == 0 { file.clone() } else { one.xlsx() };
        let (http, token, sent) = (stage.http(), stage.token.clone(), bytes.clone());
        let wait = Duration::from_millis((seed.wrapping_mul(6_364_136_223 + u64::from(round)) >> 7) % 900);
        let before = stage.written("&stream=visits").len();
        let sender = std::thread::spawn(move || post_as(http, COMMIT, &token, XLSX, &sent));
        let began = Instant::now();
        nhip_tests::until("the moment to kill", Duration::from_secs(10), || began.elapsed() >= wait);
        stage.kill_and_start();
        let acknowledged = sender.join().expect("a thread").is_ok_and(|(status, _)| status == 201);
        let added = stage.written("&stream=visits").len() - before;
        assert!(
            added == 0 || added == rows,
            "round {round}: {added} of {rows} rows after a kill at {wait:?}"
        );
        assert!(!acknowledged || added == rows, "round {round}: acknowledged and lost");
        let (status, answer) = stage.post(COMMIT, XLSX, &bytes);
        assert_eq!(status, if added == rows { 200 } else { 201 }, "round {round}: {}", answer["detail"]);
        assert_eq!(stage.written("&stream=visits").len() - before, rows, "round {round}: once");
        written += u32::from(added == rows);
    }
    println!("{written} rounds were written before the kill");
}

#[test]
fn tokens_and_imports_by_the_command_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let stage = Stage::start(directory.path());
    let csv = directory.path().join("t9.csv");
    std::fs::write(&csv, "period,place,phase,guests\n2029-09,p001,official,12x\n").expect("written");
    let token = directory.path().join("token");
    std::fs::write(&token, &stage.token).expect("written");
    let http = stage.http().to_string();
    let (csv_path, token_path) = (csv.to_string_lossy(), token.to_string_lossy());
    let words = [
        "import",
        &csv_path,
        "--stream",
        "visits",
        "--source",
        "so-du-lich",
        "--token-file",
        &token_path,
        "--http",
        &http,
    ];
    let output = Command::new(binary()).args(words).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("D2: guests: a number written as text — 12x (allowed: 1234.5; nearest: 12)"),
        "{said}"
    );
    std::fs::write(&csv, "period,place,phase,guests\n2029-09,p001,official,12\n").expect("written");
    let said = nhip(&words);
    assert!(said.contains("1 rows, 1 good, 1 figures") && said.contains("nothing written"), "{said}");
    let applied = nhip(&[words.as_slice(), &["--apply"]].concat());
    assert!(applied.contains("written at offset"), "{applied}");
    assert!(nhip(&[words.as_slice(), &["--apply"]].concat()).contains("written before at offset"));

    let data = stage.air.data.to_string_lossy().into_owned();
    let other = stage.add_token(&["--name", "Sở Y tế", "--stream", "health", "--source", "so-y-te"]);
    let over = stage.add_token(&[
        "--name",
        "Cũ",
        "--stream",
        "*",
        "--source",
        "*",
        "--valid-to",
        "2020-01-01T00:00:00+07:00",
    ]);
    let body = b"period,place,phase,guests\n2029-08,p001,official,12\n";
    let as_token =
        |token: &str| post_as(stage.http(), PREVIEW, token, "text/csv", body).expect("an answer").0;
    assert_eq!([as_token(&other), as_token(&over), as_token("nhip_00"), as_token("")], [403, 401, 401, 401]);
    assert_eq!(as_token(&stage.token), 200);
    let list = nhip(&["token", "list", "--data", &data]);
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(!list.contains(&stage.token) && list.contains("expired"), "{list}");
    assert!(nhip(&["token", "revoke", "Nguyễn Thị Hoa", "--data", &data]).starts_with("revoked "));
    assert_eq!(as_token(&stage.token), 401, "at once, without a restart");
}

#[test]
fn what_is_no_document_is_refused_by_its_bound() {
    let directory = tempfile::tempdir().expect("a directory");
    let stage = Stage::start(directory.path());
    let (before, resident) = (log_end(&stage), stage.air.stepped.node.resident_kib());
    let zeros = "<c><v>0</v></c>".repeat(20 << 20);
    let workbook = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"a\" r:id=\"r1\"/></sheets></workbook>";
    let relations = "<Relationships><Relationship Id=\"r1\" Target=\"s.xml\"/></Relationships>";
    let bomb = |sheet: &str| {
        packed(&[
            ("xl/workbook.xml", workbook),
            ("xl/_rels/workbook.xml.rels", relations),
            ("xl/s.xml", sheet),
        ])
    };
    let entities =
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><worksheet><sheetData/></worksheet>";
    for (name, body, said) in [
        (
            "unpacks",
            bomb(&format!("<worksheet><sheetData>{zeros}</sheetData></worksheet>")),
            "unpacks to more than",
        ),
        ("entities", bomb(entities), "document type"),
        ("cut", document(10).xlsx()[..400].to_vec(), "no XLSX workbook"),
        ("empty", Vec::new(), "no XLSX workbook"),
        ("no headings", bomb("<worksheet><sheetData/></worksheet>"), "heading `period`"),
    ] {
        let (status, answer) = stage.post(PREVIEW, XLSX, &body);
        assert_eq!(status, 422, "{name}: {answer}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(said), "{name}: {detail}");
    }
    for (kind, body, said) in [
        ("text/csv", b"period,guests\n\xff\xfe,1\n".as_slice(), "UTF-8"),
        ("text/csv", b"a,b\n1,2\n", "heading `period`"),
    ] {
        let (status, answer) = stage.post(PREVIEW, kind, body);
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 422 && detail.contains(said), "{answer}");
    }
    let (status, answer) =
        stage.post("/api/v1/statistics?stream=air&source=air-a", "text/csv", b"period,pm25\n");
    assert_eq!(status, 403, "{answer}");
    assert_eq!(log_end(&stage), before);
    let grown = stage.air.stepped.node.resident_kib().saturating_sub(resident);
    assert!(grown < 200 << 10, "{grown} KiB");
}
