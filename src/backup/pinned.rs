//! Directories ruled by a manifest: only the files it names exist, and it may be swapped while they are copied.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::commands::Failure;

use super::copier::Copier;
use super::place::{at, files_in};

/// What every manifest begins with.
const MAGIC: &str = "NhipManifest 1\n";
/// Columns are what a manifest may not name in vain.
const COLUMNS_SUFFIX: &str = ".parquet";
/// How often a manifest may be swapped while its files are copied; each time only new files are copied.
const PASSES_MAX: u32 = 20;

/// A manifest: its path in the directory, and its bytes.
type Found = Vec<(String, Vec<u8>)>;

/// Whether a manifest rules the directory.
pub(super) fn is_ruled(directory: &Path) -> Result<bool, Failure> {
    Ok(!manifests(directory)?.is_empty())
}

/// Copies manifest and named files so that they belong together: files are removed only after the manifest that
/// named them was swapped, so that a manifest that stands unchanged behind the copy was whole all the while.
pub(super) fn take(copier: &mut Copier, directory: &Path, prefix: &str) -> Result<(), Failure> {
    let mut before = manifests(directory)?;
    for _ in 0..PASSES_MAX {
        let named = names(directory, &before)?;
        let present = files_in(directory).map_err(|error| at(directory, error))?;
        for path in present.iter().filter(|path| is_named(path, &named)) {
            let inside = format!("{prefix}/{path}");
            if !copier.has(&inside) {
                copier.take(&directory.join(path), &inside)?;
            }
        }
        let after = manifests(directory)?;
        if after == before {
            return settle(copier, prefix, &before, &named);
        }
        before = after;
    }
    Err(Failure::other(format!(
        "{}: its manifest changed {PASSES_MAX} times while its files were copied; try again when less is sealed",
        directory.display()
    )))
}

/// Puts the manifests beside what they name, and nothing else.
fn settle(
    copier: &mut Copier,
    prefix: &str,
    manifests: &Found,
    named: &BTreeSet<String>,
) -> Result<(), Failure> {
    for (path, bytes) in manifests {
        copier.put(&format!("{prefix}/{path}"), bytes)?;
    }
    let taken = copier.taken_below(prefix);
    let relative = |path: &str| path.strip_prefix(&format!("{prefix}/")).unwrap_or(path).to_owned();
    let own = |path: &str| manifests.iter().any(|(manifest, _)| *manifest == relative(path));
    for path in taken.iter().filter(|path| !own(path) && !is_named(&relative(path), named)) {
        copier.forget(path)?;
    }
    let missing = named.iter().find(|name| {
        name.ends_with(COLUMNS_SUFFIX) && !taken.iter().any(|path| relative(path).ends_with(name.as_str()))
    });
    match missing {
        Some(name) => {
            Err(Failure::other(format!("{prefix}: the manifest names {name}, and there is no such file")))
        }
        None => Ok(()),
    }
}

fn manifests(directory: &Path) -> Result<Found, Failure> {
    let mut found = Vec::new();
    for path in files_in(directory).map_err(|error| at(directory, error))? {
        let is_manifest = path.rsplit('/').next().is_some_and(|name| name.starts_with("manifest"));
        let bytes =
            if is_manifest { fs::read(directory.join(&path)).unwrap_or_default() } else { Vec::new() };
        if bytes.starts_with(MAGIC.as_bytes()) {
            found.push((path, bytes));
        }
    }
    Ok(found)
}

/// Every text of a manifest that could be the name of a file.
fn names(directory: &Path, manifests: &Found) -> Result<BTreeSet<String>, Failure> {
    let mut named = BTreeSet::new();
    for (path, _) in manifests {
        let read: Option<Value> =
            nhip_history::manifest::read(&directory.join(path)).map_err(Failure::other)?;
        gather_texts(&read.unwrap_or_default(), &mut named);
    }
    Ok(named)
}

fn gather_texts(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if !text.is_empty() => {
            texts.insert(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| gather_texts(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather_texts(value, texts)),
        _ => {}
    }
}

/// A manifest names a file by its path below itself, or by its last name.
fn is_named(path: &str, named: &BTreeSet<String>) -> bool {
    named.contains(path) || path.rsplit('/').next().is_some_and(|name| named.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_manifest_names_is_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let (archive, backup) = (directory.path().join("archive"), directory.path().join("backup"));
        fs::create_dir_all(archive.join("day")).expect("made");
        fs::create_dir(&backup).expect("made");
        assert!(!is_ruled(&archive).expect("looked"));
        for name in ["a.parquet", "day/b.parquet", "stray.parquet"] {
            fs::write(archive.join(name), name).expect("written");
        }
        let manifest = serde_json::json!({ "files": [{ "name": "a.parquet" }, { "name": "day/b.parquet" }] });
        nhip_history::manifest::swap(&archive.join("manifest"), &manifest).expect("swapped");
        assert!(is_ruled(&archive).expect("looked"));
        let mut copier = Copier::new(&backup, None, 0);
        // Taken in a pass before, under a manifest that has since been swapped.
        copier.put("data/archive/old.parquet", b"old").expect("put");
        take(&mut copier, &archive, "data/archive").expect("taken");
        let taken = copier.taken_below("data/archive");
        let names = ["a.parquet", "day/b.parquet", "manifest"].map(|name| format!("data/archive/{name}"));
        assert_eq!(taken, names);
        assert!(!backup.join("data/archive/old.parquet").exists());
        let copied: Option<Value> =
            nhip_history::manifest::read(&backup.join("data/archive/manifest")).expect("read");
        assert_eq!(copied, Some(manifest));
    }

    #[test]
    fn a_file_named_in_vain_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let manifest = serde_json::json!(["gone.parquet"]);
        nhip_history::manifest::swap(&directory.path().join("manifest"), &manifest).expect("swapped");
        let backup = tempfile::tempdir().expect("a directory");
        let mut copier = Copier::new(backup.path(), None, 0);
        assert!(take(&mut copier, directory.path(), "data/archive").is_err());
    }
}
