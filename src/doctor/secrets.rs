//! Keys and files with secrets: there, and readable by nobody else.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::config::Config;

use super::finding::Finding;

/// The keys directory, then every file the configuration names.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = keys(&config.keys, &config.data);
    let mut files: Vec<PathBuf> = config.users.iter().map(|user| user.password_file.clone()).collect();
    for link in &config.subscribers {
        files.extend([&link.password_file, &link.key_file].into_iter().flatten().cloned());
    }
    for pull in &config.pulls {
        files.extend(pull.token_file.clone());
        files.extend(pull.oauth.iter().map(|oauth| oauth.client_secret_file.clone()));
    }
    findings.extend(files.iter().map(|file| secret(file)));
    findings
}

fn keys(keys: &Path, data: &Path) -> Vec<Finding> {
    let place = keys.display().to_string();
    let Ok(directory) = fs::metadata(keys) else {
        return vec![Finding::note("keys", place, "made at the first start")];
    };
    let mode = directory.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("mode {mode:03o} lets others read keys: a start is refused");
        return vec![Finding::error("keys", place, what, "700", &format!("chmod 700 {}", keys.display()))];
    }
    let entries: Vec<_> = fs::read_dir(keys).map(|list| list.flatten().collect()).unwrap_or_default();
    let open = entries.iter().filter(|entry| {
        entry.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
    });
    let open = open.count();
    if open > 0 {
        let what = format!("{open} files are readable by others");
        return vec![Finding::error("keys", place, what, "600", &format!("chmod 600 {}/*", keys.display()))];
    }
    let mut findings = vec![Finding::fine(
        "keys",
        &place,
        format!("{} files, readable by their owner alone", entries.len()),
    )];
    if let Ok(found) = fs::metadata(data) {
        if found.uid() != directory.uid() {
            let what = format!("owned by user {}, the data directory by {}", directory.uid(), found.uid());
            let advice = format!("chown -R nhip: {} {}", keys.display(), data.display());
            findings.push(Finding::error("keys", &place, what, "one owner for both", &advice));
        }
        if found.dev() == directory.dev() {
            let what = "on the same disk as the data: whoever takes the disk has both";
            findings.push(Finding::note("keys", place, what));
        }
    }
    findings
}

fn secret(file: &Path) -> Finding {
    let place = file.display();
    match fs::metadata(file) {
        Ok(found) if found.permissions().mode() & 0o007 != 0 => {
            let what = format!(
                "mode {:03o}: every user of this machine may read it",
                found.permissions().mode() & 0o777
            );
            let advice = format!("chmod 640 {place}; chgrp nhip {place}");
            Finding::warning("secret", place, what, "640 or 600", &advice)
        }
        Ok(_) => Finding::fine("secret", place, "there, not readable by all"),
        Err(error) => Finding::error(
            "secret",
            place,
            error.to_string(),
            "a file the node's user may read",
            "make it, or correct its name in the configuration",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn what_others_can_read_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys");
        let grade = || keys(&path, Path::new("/nowhere")).first().map(|found| found.grade);
        let set =
            |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        assert_eq!(grade(), Some(Grade::Note));
        fs::create_dir(&path).expect("made");
        set(&path, 0o755);
        assert_eq!(grade(), Some(Grade::Error));
        set(&path, 0o700);
        assert_eq!(grade(), Some(Grade::Fine));
        fs::write(path.join("a.key"), "x").expect("written");
        set(&path.join("a.key"), 0o640);
        assert_eq!(grade(), Some(Grade::Error));
        set(&path.join("a.key"), 0o600);
        assert_eq!(grade(), Some(Grade::Fine));
        assert_eq!(secret(&path.join("a.key")).grade, Grade::Fine);
        set(&path.join("a.key"), 0o644);
        assert_eq!(secret(&path.join("a.key")).grade, Grade::Warning);
        assert_eq!(secret(&path.join("gone")).grade, Grade::Error);
    }
}
