//! The files of the tables: named by the manifests alone, each read whole and compared before its first use.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nhip_history::{SealedFile, SealedFileError, archive, series};
use nhip_proto::{AnalystCode, AnalystQuestion, AnalystRefusal};
use tracing::error;

use crate::job::{Files, Identity, VerifiedFile};
use crate::limits::Limits;
use crate::plan;
use crate::tables::Table;

/// How often the lists are read again because a file they name was merged away meanwhile.
const LISTINGS_MAX: usize = 4;

/// The files of one data directory, and which of them were verified.
#[derive(Clone)]
pub struct Catalogue {
    data: PathBuf,
    verified: Arc<Mutex<BTreeMap<PathBuf, Verified>>>,
}

#[derive(Clone)]
struct Verified {
    blake3: String,
    identity: Identity,
    rows: u64,
}

/// Why one file is not used.
enum Trouble {
    /// It went away: the lists are read again.
    Gone(String),
    Refusal(AnalystRefusal),
}

impl Catalogue {
    /// Of a data directory, which is never written to.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_owned(), verified: Arc::default() }
    }

    /// Where it lies.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The verified files a question touches, if it may. Verifying can be stopped between two files; what was
    /// verified stays known.
    pub(crate) async fn files(
        &self,
        tables: &[Table],
        question: &AnalystQuestion,
        limits: &Limits,
    ) -> Result<Files, AnalystRefusal> {
        plan::range(question, limits)?;
        let mut gone: Option<String> = None;
        for _ in 0..LISTINGS_MAX {
            let listed = self.listed(tables, question)?;
            if let Some(name) = gone.take().filter(|name| names(&listed, name)) {
                return Err(damaged(&format!("{name}: it is missing")));
            }
            plan::rows(plan::least(&listed), question, limits)?;
            match self.verify(listed).await {
                Ok(files) => return plan::rows(files.rows, question, limits).map(|()| files),
                Err(Trouble::Gone(name)) => gone = Some(name),
                Err(Trouble::Refusal(refusal)) => return Err(refusal),
            }
        }
        Err(busy())
    }

    fn listed(
        &self,
        tables: &[Table],
        question: &AnalystQuestion,
    ) -> Result<Vec<(Table, Vec<SealedFile>)>, AnalystRefusal> {
        let mut series: Option<Vec<SealedFile>> = None;
        let mut listed = Vec::new();
        for table in tables {
            let files = match (table, &series) {
                (Table::Records, _) => {
                    let files = archive::sealed_files(&self.data.join("archive"));
                    files.map_err(|error| damaged(&error.to_string()))?
                }
                // One list for both tables of rows: a merge between two reads would show rows twice or never.
                (_, Some(files)) => files.clone(),
                (_, None) => {
                    let files = series::sealed_files(&self.data.join("series"));
                    files.map_err(|error| damaged(&error.to_string()))?
                }
            };
            if *table != Table::Records {
                series = Some(files.clone());
            }
            self.forget(&files);
            listed.push((*table, plan::pruned(files, question)));
        }
        Ok(listed)
    }

    /// What no list names any more is not remembered.
    fn forget(&self, listed: &[SealedFile]) {
        let Some(directory) = listed.first().and_then(|file| file.path.parent()) else { return };
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.retain(|path, _| {
            path.parent() != Some(directory) || listed.iter().any(|file| file.path == *path)
        });
    }

    async fn verify(&self, listed: Vec<(Table, Vec<SealedFile>)>) -> Result<Files, Trouble> {
        let mut files = Files::default();
        for (table, sealed) in listed {
            let mut of_table = Vec::new();
            for file in sealed {
                files.bytes += file.bytes;
                let path = file.path.clone();
                let this = self.clone();
                let checked = tokio::task::spawn_blocking(move || this.checked(&file)).await;
                let verified = checked.map_err(|error| Trouble::Refusal(failed(&error.to_string())))??;
                files.rows += verified.rows;
                of_table.push(VerifiedFile { path, identity: verified.identity });
            }
            files.tables.push((table, of_table));
        }
        Ok(files)
    }

    /// A file that is what its list says: read once, then remembered for as long as it is the same file.
    fn checked(&self, sealed: &SealedFile) -> Result<Verified, Trouble> {
        let file = sealed.open().map_err(trouble)?;
        let identity = Identity::of(&file).map_err(|error| trouble(io_error(sealed, error)))?;
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&sealed.path).cloned();
        if let Some(known) = known.filter(|known| known.identity == identity && known.blake3 == sealed.blake3)
        {
            return Ok(known);
        }
        let rows = sealed.verify(&file).map_err(trouble)?;
        let verified = Verified { blake3: sealed.blake3.clone(), identity, rows };
        let mut all = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sealed.path.clone(), verified.clone());
        Ok(verified)
    }
}

fn names(listed: &[(Table, Vec<SealedFile>)], name: &str) -> bool {
    listed.iter().flat_map(|(_, files)| files).any(|file| file.name() == name)
}

fn io_error(sealed: &SealedFile, source: io::Error) -> SealedFileError {
    SealedFileError::Io { file: sealed.name(), source }
}

fn trouble(error: SealedFileError) -> Trouble {
    match error {
        SealedFileError::Missing(name) => Trouble::Gone(name),
        damage @ SealedFileError::Damaged { .. } => Trouble::Refusal(damaged(&damage.to_string())),
        other @ SealedFileError::Io { .. } => Trouble::Refusal(failed(&other.to_string())),
    }
}

/// The log names the file; the person who asked is told that there is one.
fn damaged(what: &str) -> AnalystRefusal {
    error!(what, "a question met damage");
    let message =
        "a file of this time is not what was written; nothing of it is served: the worker's log names it";
    AnalystRefusal { code: AnalystCode::Damaged, message: message.to_owned() }
}

fn failed(what: &str) -> AnalystRefusal {
    error!(what, "the files cannot be read");
    AnalystRefusal {
        code: AnalystCode::Failed,
        message: "the files cannot be read now: see the worker's log".to_owned(),
    }
}

/// Files were merged away each time they were looked for.
pub(crate) fn busy() -> AnalystRefusal {
    let message = "the files are being merged: ask again".to_owned();
    AnalystRefusal { code: AnalystCode::Busy, message }
}
