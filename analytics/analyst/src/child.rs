//! The process of one question: bounds itself, reads, answers, ends. Nothing of it outlives the answer, and whatever
//! becomes of it, the process that started it goes on.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::MetadataExt as _;

use nhip_proto::{AnalystCode, AnalystHead, AnalystRefusal};
use polars::prelude::{Engine, PolarsError};
use polars::sql::SQLContext;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

use crate::answer::{self, AnswerError};
use crate::job::{Files, Identity, Job, Need, Outcome, VerifiedFile};
use crate::limits::Limits;
use crate::statement;
use crate::tables::Table;

/// The subcommand that is such a process.
pub const CHILD_COMMAND: &str = "run";

/// Answers the job on stdin, on stdout.
///
/// # Errors
/// If stdin or stdout cannot be used: there is nobody to tell.
pub fn be_a_child() -> io::Result<()> {
    // A parent that was killed has no more use for an answer.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let job: Job = line(&mut input)?;
    bound(&job.limits, 0)?;
    let need = statement::judge(&job.question.sql);
    let refused = need.is_err();
    let need = need.map_or_else(Need::Refusal, |tables| Need::Tables(tables.into_iter().collect()));
    tell(&mut output, &need)?;
    if refused {
        return Ok(());
    }
    let files: Files = line(&mut input)?;
    bound(&job.limits, files.bytes)?;
    let (outcome, bytes) = answer(&job, &files);
    tell(&mut output, &outcome)?;
    output.write_all(&bytes)?;
    output.flush()
}

fn line<T: serde::de::DeserializeOwned>(input: &mut impl BufRead) -> io::Result<T> {
    let mut text = String::new();
    input.read_line(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn tell(output: &mut impl Write, what: &impl serde::Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(what)?;
    text.push(b'\n');
    output.write_all(&text)?;
    output.flush()
}

/// Memory that is written to, addresses, processor time; no file is ever written, no core left.
fn bound(limits: &Limits, file_bytes: u64) -> io::Result<()> {
    for (resource, bound) in [
        (Resource::Data, limits.memory_bytes()),
        (Resource::As, limits.address_bytes(file_bytes)),
        (Resource::Cpu, limits.processor_seconds()),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let hard = getrlimit(resource).maximum;
        let bound = hard.map_or(bound, |hard| bound.min(hard));
        // The address space is widened once, when it is known which files may be mapped; the rest stays as it is.
        let maximum = if resource == Resource::As { hard } else { Some(bound) };
        setrlimit(resource, Rlimit { current: Some(bound), maximum })?;
    }
    Ok(())
}

/// The outcome, and the bytes behind it.
fn answer(job: &Job, files: &Files) -> (Outcome, Vec<u8>) {
    let opened = match open(files) {
        Ok(opened) => opened,
        Err(outcome) => return (outcome, Vec::new()),
    };
    match computed(job, opened) {
        Ok((rows, bytes)) => {
            let head = AnalystHead { origin: job.origin.clone(), rows, rows_scanned: files.rows };
            (Outcome::Answer(head), bytes)
        }
        Err(refusal) => (Outcome::Refusal(refusal), Vec::new()),
    }
}

/// The open files of each table: what is removed from now on can still be read.
fn open(files: &Files) -> Result<Vec<(Table, Vec<File>)>, Outcome> {
    let same = |listed: &VerifiedFile| {
        let file = File::open(&listed.path).ok()?;
        (Identity::of(&file).ok()? == listed.identity).then_some(file)
    };
    let mut opened = Vec::new();
    for (table, listed) in &files.tables {
        let mut of_table = Vec::new();
        for file in listed {
            of_table.push(same(file).ok_or_else(|| Outcome::Changed(file.path.display().to_string()))?);
        }
        opened.push((*table, of_table));
    }
    Ok(opened)
}

fn computed(job: &Job, opened: Vec<(Table, Vec<File>)>) -> Result<(u64, Vec<u8>), AnalystRefusal> {
    let (question, limits) = (&job.question, &job.limits);
    let mut context = SQLContext::new();
    for (table, files) in opened {
        let rows = table.of(files, question.from_ns, question.to_ns).map_err(|error| of_polars(&error))?;
        context.register(table.as_str(), rows);
    }
    let rows_max = limits.rows_returned_max;
    let plan = context.execute(&question.sql).map_err(|error| of_polars(&error))?;
    // One more than allowed tells that there are more, and nothing beyond it is computed where that can be avoided.
    let answered = plan.limit(rows_max.saturating_add(1)).collect_with_engine(Engine::Streaming);
    let rows = answered.map_err(|error| of_polars(&error))?.unwrap_single();
    let height = rows.height() as u64;
    if height > u64::from(rows_max) {
        let message = format!(
            "the answer has more than {rows_max} rows, the most one may have: group, filter or LIMIT it"
        );
        return Err(AnalystRefusal { code: AnalystCode::Limit, message });
    }
    let written = answer::write(rows, &job.origin, question.format, limits.answer_bytes());
    let bytes = written.map_err(|error| match error {
        AnswerError::Polars(error) => of_polars(&error),
        AnswerError::TooLong => AnalystRefusal {
            code: AnalystCode::Limit,
            message: format!(
                "the answer is longer than {} MiB, the most one may have: name fewer columns or rows",
                limits.answer_mib_max
            ),
        },
    })?;
    Ok((height, bytes))
}

/// What polars refuses is the statement's, as far as it can be told.
fn of_polars(error: &PolarsError) -> AnalystRefusal {
    let code = match error {
        PolarsError::IO { .. } => AnalystCode::Failed,
        _ => AnalystCode::Statement,
    };
    // The plan polars appends is for its developers.
    let message = error.to_string();
    let message = message.split("\n\nResolved plan until failure").next().unwrap_or_default().to_owned();
    AnalystRefusal { code, message }
}

impl Identity {
    /// What an open file is.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        let instant =
            |seconds: i64, nanoseconds: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
        Ok(Self {
            bytes: found.len(),
            device: found.dev(),
            inode: found.ino(),
            modified_ns: instant(found.mtime(), found.mtime_nsec()),
            changed_ns: instant(found.ctime(), found.ctime_nsec()),
        })
    }
}
