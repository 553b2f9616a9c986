//! Which file system a directory lies on, from /proc/self/mountinfo.

use std::path::{Path, PathBuf};

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    /// `ext4`, `tmpfs`, …
    pub(super) kind: String,
    /// The options of mount and super block.
    pub(super) options: Vec<String>,
}

/// The mount a path lies on; none where the list cannot be read.
pub(super) fn of(path: &Path) -> Option<Mount> {
    find(&std::fs::read_to_string("/proc/self/mountinfo").ok()?, path)
}

/// The deepest mount point above the path; of several on one point the last covers the others.
fn find(list: &str, path: &Path) -> Option<Mount> {
    let mounts = list.lines().filter_map(parse).filter(|mount| path.starts_with(&mount.point));
    mounts.max_by_key(|mount| mount.point.components().count())
}

/// `36 35 98:0 /root /point options [fields] - kind source superoptions`.
fn parse(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(4);
    let (point, own) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let kind = right.next()?.to_owned();
    let superblock = right.nth(1).unwrap_or_default();
    let options = own.split(',').chain(superblock.split(',')).map(str::to_owned).collect();
    Some(Mount { point: PathBuf::from(unescaped(point)), kind, options })
}

/// Spaces, tabs, line ends and backslashes stand as three octal digits.
fn unescaped(text: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,errors=remount-ro
30 22 0:25 / /dev/shm rw,nosuid - tmpfs tmpfs rw,size=1024k
31 22 8:1 / /srv/my\\040data rw shared:1 - ext4 /dev/sda1 rw,nobarrier
32 22 0:40 / /srv rw - nfs4 host:/x rw,soft";

    #[test]
    fn the_deepest_mount_counts() {
        let kind = |path: &str| find(LIST, Path::new(path)).map(|mount| mount.kind);
        assert_eq!(kind("/var/lib").as_deref(), Some("ext4"));
        assert_eq!(kind("/dev/shm/x").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/srv/other").as_deref(), Some("nfs4"));
        assert_eq!(kind("/srvx").as_deref(), Some("ext4"), "a longer name is another directory");
        let mount = find(LIST, Path::new("/srv/my data/nhip")).expect("a mount");
        assert_eq!(mount.point, Path::new("/srv/my data"));
        assert!(mount.options.contains(&"nobarrier".to_owned()));
    }
}
