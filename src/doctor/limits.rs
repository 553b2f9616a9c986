//! What the system lets a process have: open files and memory.

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;

/// 2,000 devices, as many walls and consoles, and the files of a day.
const OPEN_FILES_MIN: u64 = 8_192;
const MEMORY_MIB_MIN: u64 = 512;

/// The limits of this shell; the unit of docs/operations.md sets its own.
pub(super) fn examine() -> Vec<Finding> {
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| available_mib(&text));
    let own =
        std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let mut findings = vec![open_files(getrlimit(Resource::Nofile).current)];
    findings.extend(memory.map(|mib| enough("/proc/meminfo", mib)));
    findings.extend(own.map(|bytes: u64| enough("/sys/fs/cgroup/memory.max", bytes >> 20)));
    findings
}

fn open_files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < OPEN_FILES_MIN => Finding::warning(
            "limits",
            "open files",
            format!("{limit} in this shell"),
            "8,192 and more",
            "ulimit -n 65536 before the start; the systemd unit says LimitNOFILE=65536",
        ),
        Some(limit) => Finding::fine("limits", "open files", limit.to_string()),
        None => Finding::fine("limits", "open files", "without limit"),
    }
}

fn enough(place: &str, mib: u64) -> Finding {
    let what = format!("{mib} MiB");
    if mib < MEMORY_MIB_MIN {
        return Finding::warning(
            "limits",
            place,
            what,
            "512 MiB and more",
            "give the machine or the unit more memory",
        );
    }
    Finding::fine("limits", place, what)
}

fn available_mib(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib >> 10)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn limits_are_read_and_judged() {
        assert_eq!(available_mib("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2));
        assert_eq!(enough("m", 511).grade, Grade::Warning);
        assert_eq!(enough("m", 512).grade, Grade::Fine);
        assert_eq!(open_files(Some(1_024)).grade, Grade::Warning);
        assert_eq!(open_files(None).grade, Grade::Fine);
    }
}
