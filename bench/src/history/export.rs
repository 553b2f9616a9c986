//! A year of five series as files, by `nhip export`, and over HTTP from a node: the program as it ships.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::data::{FIVE, Size, area, indicator_name};
use crate::context::{Context, Outcome};
use crate::node::Node;
use crate::process::{cpu_seconds, peak_of};
use crate::report::{Figure, Report};

/// Between two looks at the memory of a running export.
const LOOK: Duration = Duration::from_millis(2);
const RUNS: usize = 10;
const BUDGET_MS: f64 = 200.0;

/// Time and peak memory of five exports, then five requests, one after the other.
pub(crate) async fn measure(report: &mut Report, context: &Context, data: &Path, size: Size) -> Outcome<()> {
    let profile = profile(context, size)?;
    let [from, to] = [0, size.hours()].map(rfc3339);
    for format in ["csv", "xlsx", "parquet"] {
        let (mut peak_kib, mut bytes, began) = (0.0_f64, 0, Instant::now());
        for number in 0..FIVE.min(size.series) {
            let out = context.directory("export")?.join("out");
            let mut command = Command::new(context.program());
            command
                .arg("export")
                .arg("--data")
                .arg(data)
                .arg("--profile")
                .arg(&profile)
                .arg("--out")
                .arg(&out);
            command.args(["--indicator", &indicator_name(0), "--area", &area(number), "--format", format]);
            command.args(["--from", &from, "--to", &to]);
            peak_kib = peak_kib.max(run(command)?);
            bytes += std::fs::metadata(&out)?.len();
        }
        let seconds = began.elapsed().as_secs_f64();
        let words = format!(
            "peak {:.0} MiB, {bytes} bytes, a process each, files verified each time",
            peak_kib / 1_024.0
        );
        let what = format!("export of five series as {format}, one after the other");
        report.add(&Figure::cost(&what, seconds, "s").note(&words))?;
    }
    over_http(report, context, data, &profile, size).await
}

/// Peak memory in KiB.
#[expect(clippy::disallowed_methods, reason = "looks at another process again and again until it ends")]
fn run(mut command: Command) -> Outcome<f64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut peak = 0.0_f64;
    loop {
        peak = peak.max(peak_of(&child.id().to_string()).unwrap_or_default());
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(peak) } else { Err(format!("nhip export: {status}").into()) };
        }
        std::thread::sleep(LOOK);
    }
}

async fn over_http(
    report: &mut Report,
    context: &Context,
    data: &Path,
    profile: &Path,
    size: Size,
) -> Outcome<()> {
    let profile = profile.display().to_string();
    let node = Node::start(context, "run", data, &["--profile", &profile])?;
    let [from, to] = [0, size.hours()].map(rfc3339);
    let (mut taken, mut cpu_s) = (Vec::new(), 0.0);
    for run in 0..=RUNS {
        if run == 1 {
            cpu_s = cpu_seconds(node.pid());
        }
        let began = Instant::now();
        for number in 0..FIVE.min(size.series) {
            let query = format!("indicator={}&area={}&from={from}&to={to}", indicator_name(0), area(number));
            let path = format!("/api/v1/series?{query}&limit=20000");
            let response = nhip_client::http_get(&node.http, &path).await?;
            if response.status != 200 {
                return Err(format!("{path}: {}", response.status).into());
            }
        }
        taken.push(began.elapsed().as_secs_f64() * 1e3);
    }
    // The first one verified the files.
    let first = taken.first().copied().unwrap_or(f64::NAN);
    let mut taken: Vec<f64> = taken.into_iter().skip(1).collect();
    taken.sort_by(f64::total_cmp);
    let at = |share: usize| taken.get(taken.len() * share / 100).copied().unwrap_or(f64::NAN);
    let cpu_ms = (cpu_seconds(node.pid()) - cpu_s) * 1e3 / RUNS as f64;
    let words = format!("p95 {:.0} ms, CPU of the node {cpu_ms:.0} ms, the first time {first:.0} ms", at(95));
    let figure = Figure::cost("a year of five series over HTTP, p50", at(50), "ms");
    report.add(&figure.budget(BUDGET_MS).note(&words))
}

/// Hours are counted in UTC.
pub(super) fn rfc3339(hour: i64) -> String {
    const MONTH_NAMES: i64 = 12;
    let months = super::data::months(super::data::DAYS_MAX);
    let place = months.iter().rposition(|(first, _)| *first <= hour).unwrap_or(0);
    let first = months.get(place).map_or(0, |month| month.0);
    let place = i64::try_from(place).unwrap_or(0);
    let (year, month) = (2025 + place / MONTH_NAMES, place % MONTH_NAMES + 1);
    let inside = hour - first;
    format!("{year:04}-{month:02}-{:02}T{:02}:00:00Z", inside / 24 + 1, inside % 24)
}

/// A profile that knows the first indicator and its areas.
fn profile(context: &Context, size: Size) -> Outcome<PathBuf> {
    let directory = context.directory("history-profile")?;
    let label = "name = { vi = \"Đo tốc độ\", en = \"Bench\" }";
    let mut areas = "code,name,name_en,kind,parent,column,row,population,valid_from,valid_to\n".to_owned();
    areas.push_str("history,Đo tốc độ,Bench,province,,,,,2020-01-01,\n");
    let mut sources = "id,stream,area,name,name_en,owner\n".to_owned();
    for number in 0..FIVE.min(size.series) {
        let code = area(number);
        areas.push_str(&format!("{code},Khu {code},Area {code},xa,history,{number},0,,2020-01-01,\n"));
        sources.push_str(&format!("station-{number}-0,hourly,{code},Trạm {number},Station {number},Nhịp\n"));
    }
    let indicator = indicator_name(0);
    let files = [
        ("areas.csv", areas),
        ("sources.csv", sources),
        ("profile.toml", format!("[profile]\nid = \"history\"\n{label}\nzone = \"Asia/Ho_Chi_Minh\"\n")),
        (
            "quantities.toml",
            "[[quantity]]\nname = \"value\"\nlabel = { vi = \"Giá trị\", en = \"Value\" }\nunit = \"vehicles\"\n\
             scale = 1\nmin = 0\nmax = 1000000000\n"
                .to_owned(),
        ),
        (
            "streams.toml",
            format!(
                "[[stream]]\nid = \"hourly\"\n{label}\nidentity = \"sequence\"\ncadence = \"1m\"\n\
                 disorder = \"2s\"\nlateness = \"1h\"\nstaleness = \"5m\"\n\n\
                 [stream.quantities]\nvalue = \"vehicles\"\n"
            ),
        ),
        (
            "history.toml",
            format!(
                "[[domain]]\nid = \"history\"\n{label}\n\n[[indicator]]\nid = \"{indicator}\"\n{label}\n\
                 domain = \"history\"\nunit = \"vehicles\"\nscale = 1\nowner = \"Nhịp\"\nbasis = \"Đo tốc độ\"\n\
                 stream = \"hourly\"\nmean = \"value\"\nwindow = \"1h\"\ndirection = \"neutral\"\n\
                 completeness_min = 0.0\n"
            ),
        ),
        (
            "views.toml",
            format!(
                "[[view]]\nid = \"main\"\ntitle = {{ vi = \"Đo tốc độ\", en = \"Bench\" }}\ntiles = [\"{indicator}\"]\n\
                 map = \"{indicator}\"\n"
            ),
        ),
    ];
    for (name, text) in files {
        std::fs::write(directory.join(name), format!("# Of the row history of the bench.\n{text}"))?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_times_of_the_calendar() {
        for (hour, text) in [
            (0, "2025-01-01T00:00:00Z"),
            (31 * 24 + 5, "2025-02-01T05:00:00Z"),
            (8_759, "2025-12-31T23:00:00Z"),
            (8_760, "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(hour), text);
            assert_eq!(
                super::super::data::time(hour).0,
                super::super::data::START + hour * 3_600_000_000_000
            );
        }
    }
}
