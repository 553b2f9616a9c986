//! A disk with a plug to pull: ext4 on a loop device, cut off without flushing by EXT4_IOC_SHUTDOWN.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel's request number and the flag for "do not flush the journal" (fs/ext4/ext4.h).
const CUT: &str = "import fcntl,os,struct,sys\n\
    d=os.open(sys.argv[1],os.O_RDONLY)\n\
    fcntl.ioctl(d,0x8004587D,struct.pack('I',2))\n";

/// A small mounted file system; unmounted when dropped.
#[derive(Debug)]
pub struct PowerDisk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl PowerDisk {
    /// Makes and mounts one of this size in a directory.
    ///
    /// # Errors
    /// Why it cannot be mounted here (no root, no loop devices).
    pub fn new(directory: &Path, mebibytes: u32) -> Result<Self, String> {
        let (image, mount) = (directory.join("disk.img"), directory.join("disk"));
        std::fs::create_dir_all(&mount).map_err(|error| error.to_string())?;
        run("truncate", &["-s", &format!("{mebibytes}M"), &text(&image)])?;
        run("mkfs.ext4", &["-q", "-F", &text(&image)])?;
        let mut disk = Self { image, mount, mounted: false };
        disk.plug_in()?;
        Ok(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// The power goes: nothing more reaches the disk, what was not synced is gone.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn cut(&self) -> Result<(), String> {
        run("python3", &["-c", CUT, &text(&self.mount)])
    }

    /// The power comes back: unmounts, mounts, the journal is replayed.
    ///
    /// # Errors
    /// If it cannot be mounted again.
    pub fn plug_in(&mut self) -> Result<(), String> {
        self.pull_out();
        run("mount", &["-o", "loop", &text(&self.image), &text(&self.mount)])?;
        self.mounted = true;
        Ok(())
    }

    fn pull_out(&mut self) {
        if self.mounted {
            self.mounted = run("umount", &[&text(&self.mount)]).is_err();
        }
    }
}

impl Drop for PowerDisk {
    fn drop(&mut self) {
        self.pull_out();
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
