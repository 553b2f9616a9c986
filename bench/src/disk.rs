//! What the disk can do: how long a sync takes, how fast bytes go in and come out.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::context::Outcome;

const MEBIBYTE: usize = 1 << 20;

/// Microseconds of `count` writes of so many bytes, each followed by fdatasync, into a file whose place is reserved.
pub(crate) fn syncs(directory: &Path, bytes: usize, count: u64) -> Outcome<Histogram<u64>> {
    let path = directory.join("syncs");
    let mut file = File::create(&path)?;
    let block = vec![7; bytes];
    for _ in 0..count {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    drop(file);
    let mut file = File::options().write(true).open(&path)?;
    let mut latencies = Histogram::new(3)?;
    for _ in 0..count {
        let began = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        latencies.record(began.elapsed().as_micros() as u64)?;
    }
    std::fs::remove_file(&path)?;
    Ok(latencies)
}

/// MiB/s of writing so many MiB to a new file, with one fdatasync at the end.
pub(crate) fn write_rate(directory: &Path, mebibytes: usize) -> Outcome<f64> {
    let path = directory.join("written");
    let mut file = File::create(&path)?;
    let block = vec![7; MEBIBYTE];
    let began = Instant::now();
    for _ in 0..mebibytes {
        file.write_all(&block)?;
    }
    file.sync_data()?;
    let seconds = began.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(mebibytes as f64 / seconds)
}

/// Bytes of all files of a directory and the seconds it took to read them from beginning to end.
pub(crate) fn read_all(directory: &Path) -> Outcome<(u64, f64)> {
    let mut block = vec![0; MEBIBYTE];
    let (mut bytes, began) = (0, Instant::now());
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let mut file = File::open(path)?;
        loop {
            let read = file.read(&mut block)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
        }
    }
    Ok((bytes, began.elapsed().as_secs_f64()))
}

/// A quantile in milliseconds.
pub(crate) fn ms(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    latencies.value_at_quantile(quantile) as f64 / 1_000.0
}
