//! The disk under the data directory: kind of file system, whether a sync can be believed, room.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::finding::Finding;
use super::mounts::{self, Mount};
use super::nearest;

/// Syncs that are timed, unless the disk is slow.
const SYNCS: usize = 64;
/// How long they may take together.
const SYNCS_TIME_MAX: Duration = Duration::from_secs(5);
/// What is written before each.
const BLOCK_BYTES: usize = 4096;
/// No disk, not even one with a battery, answers faster through a file system.
const SYNC_FLOOR: Duration = Duration::from_micros(5);
/// Faster than this only memory that survives a power cut answers.
const SYNC_SUSPECT: Duration = Duration::from_micros(30);
/// Slower than this, acknowledgements are noticeably late.
const SYNC_SLOW: Duration = Duration::from_millis(50);
/// Two full-grown segments: below this a node soon stands still.
const FREE_BYTES_MIN: u64 = 128 << 20;
/// Below this it is time to act.
const FREE_BYTES_LOW: u64 = 2 << 30;
const INODES_MIN: u64 = 1_000;

/// Looks at the directory, or at the nearest one above it that exists.
pub(super) fn examine(data: &Path, running: bool) -> Vec<Finding> {
    let place = nearest(data);
    let mount = mounts::of(&place);
    let mut findings: Vec<Finding> = mount.iter().map(|mount| kind(&place, mount)).collect();
    findings.extend(mount.iter().filter_map(|mount| barriers(&place, mount)));
    findings.push(match timed_syncs(&place) {
        Ok(median) => sync(&place, median),
        Err(error) => Finding::error(
            "disk",
            place.display(),
            format!("a file cannot be written and synced here: {error}"),
            "a directory the node's user may write to",
            "run this as the node's user (runuser -u nhip), or chown the directory",
        ),
    });
    findings.extend(space(&place, running));
    findings.extend(readable_by_all(data));
    findings
}

fn kind(place: &Path, mount: &Mount) -> Finding {
    let what = format!("{} mounted on {}", mount.kind, mount.point.display());
    match mount.kind.as_str() {
        "tmpfs" | "ramfs" | "devtmpfs" => Finding::error(
            "disk",
            place.display(),
            format!("{what}: it lies in memory, nothing survives a power cut"),
            "a local disk: ext4, xfs, btrfs, zfs",
            "move the data directory",
        ),
        "overlay" | "aufs" => Finding::warning(
            "disk",
            place.display(),
            format!("{what}: the layer of a container, which goes with it"),
            "a volume on a local disk",
            "mount a volume for the data directory",
        ),
        network if is_network(network) => Finding::warning(
            "disk",
            place.display(),
            format!("{what}: a sync is believed on the word of another machine, and locks may not hold"),
            "a local disk",
            "move the data directory",
        ),
        _ => Finding::fine("disk", place.display(), what),
    }
}

fn is_network(kind: &str) -> bool {
    ["nfs", "cifs", "smb", "fuse", "9p", "ceph", "gluster", "vboxsf", "virtiofs"]
        .iter()
        .any(|one| kind.starts_with(one))
}

/// Options by which a file system no longer waits for the disk's own cache.
fn barriers(place: &Path, mount: &Mount) -> Option<Finding> {
    let bad = ["nobarrier", "barrier=0", "data=writeback"];
    let found = mount.options.iter().find(|option| bad.contains(&option.as_str()))?;
    Some(Finding::error(
        "disk",
        place.display(),
        format!("mounted with {found}: a sync may come back before the disk has it"),
        "mount options without it",
        "remove the option from /etc/fstab and mount again",
    ))
}

fn sync(place: &Path, median: Duration) -> Finding {
    let what =
        format!("fdatasync of {BLOCK_BYTES} bytes takes {} µs (median of up to {SYNCS})", median.as_micros());
    if median < SYNC_FLOOR {
        return Finding::error(
            "disk",
            place.display(),
            format!("{what}: no disk is that fast, so nothing was made durable"),
            "at least 5 µs",
            "look for a file system in memory, a volatile container layer or a library that swallows syncs",
        );
    }
    if median < SYNC_SUSPECT {
        let further = "only a disk whose cache survives a power cut is that fast: see that this one is";
        return Finding::note("disk", place.display(), format!("{what}; {further}"));
    }
    if median > SYNC_SLOW {
        return Finding::warning(
            "disk",
            place.display(),
            format!("{what}: acknowledgements wait for it"),
            "below 50 ms",
            "use another disk for the data directory, or take load off this one",
        );
    }
    Finding::fine("disk", place.display(), what)
}

/// The median time of a sync after a small write, which is what the log does for each group.
fn timed_syncs(place: &Path) -> io::Result<Duration> {
    let path = place.join(format!(".nhip-doctor-{}", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let timed = (|| {
        file.write_all_at(&vec![0; BLOCK_BYTES * SYNCS], 0)?;
        file.sync_all()?;
        let began = Instant::now();
        let mut times = Vec::new();
        while times.len() < SYNCS && began.elapsed() < SYNCS_TIME_MAX {
            file.write_all_at(&[7; BLOCK_BYTES], (times.len() * BLOCK_BYTES) as u64)?;
            let before = Instant::now();
            file.sync_data()?;
            times.push(before.elapsed());
        }
        times.sort();
        Ok(times.get(times.len() / 2).copied().unwrap_or_default())
    })();
    std::fs::remove_file(&path)?;
    timed
}

fn space(place: &Path, running: bool) -> Vec<Finding> {
    let Ok(space) = rustix::fs::statvfs(place) else { return Vec::new() };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let what = format!("{} MiB free", free >> 20);
    let allowed = "2 GiB and more";
    let advice = "make room, or move the data directory to a larger disk (docs/operations.md)";
    let mut findings = vec![if free < FREE_BYTES_MIN {
        let then = if running { "acknowledgements stop soon" } else { "a start stands still at once" };
        Finding::error("space", place.display(), format!("{what}: {then}"), allowed, advice)
    } else if free < FREE_BYTES_LOW {
        Finding::warning("space", place.display(), what, allowed, advice)
    } else {
        Finding::fine("space", place.display(), what)
    }];
    // Some file systems count no inodes and say 0 of 0.
    if space.f_files > 0 && space.f_favail < INODES_MIN {
        let what = format!("{} inodes free", space.f_favail);
        let advice = "remove small files from this file system";
        findings.push(Finding::error("space", place.display(), what, "1,000 and more", advice));
    }
    findings
}

fn readable_by_all(data: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(data).ok()?.permissions().mode() & 0o777;
    (mode & 0o007 != 0).then(|| {
        let what = format!("mode {mode:03o}: every user of this machine may look into it");
        Finding::warning("data", data.display(), what, "750", &format!("chmod 750 {}", data.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn kinds_of_file_systems_are_told_apart() {
        let grade = |name: &str| {
            let mount = Mount { point: "/".into(), kind: name.to_owned(), options: Vec::new() };
            kind(Path::new("/d"), &mount).grade
        };
        assert_eq!(grade("ext4"), Grade::Fine);
        assert_eq!(grade("tmpfs"), Grade::Error);
        assert_eq!(grade("overlay"), Grade::Warning);
        assert_eq!(grade("nfs4"), Grade::Warning);
        assert_eq!(grade("fuse.sshfs"), Grade::Warning);
    }

    #[test]
    fn a_sync_that_cannot_be_true_is_an_error() {
        let grade = |micros| sync(Path::new("/d"), Duration::from_micros(micros)).grade;
        assert_eq!(grade(1), Grade::Error);
        assert_eq!(grade(20), Grade::Note);
        assert_eq!(grade(900), Grade::Fine);
        assert_eq!(grade(80_000), Grade::Warning);
        let options = vec!["rw".to_owned(), "nobarrier".to_owned()];
        let mount = Mount { point: "/".into(), kind: "ext4".to_owned(), options };
        assert!(barriers(Path::new("/d"), &mount).is_some_and(|found| found.grade == Grade::Error));
    }

    #[test]
    fn the_measurement_leaves_nothing_behind() {
        let directory = tempfile::tempdir().expect("a directory");
        timed_syncs(directory.path()).expect("timed");
        assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 0);
    }
}
