//! The recipes of docs/recipes, run as a newcomer would: files written, commands run, output compared.
//!
//! A block of `toml` or `csv` whose first line is a comment with a path is a file; a block of `sh` is run, and a
//! block of `text` behind it holds lines that must stand in its output. `nhip run …` starts the real program;
//! addresses of the page become the ones it has. Only commands that read (`curl -s '…'` without data) are repeated
//! until they say it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nhip_tests::{Node, NodeOptions, binary, until};

/// How long a figure may take to be seen (a loaded test machine, an unoptimised build).
const SEEN: Duration = Duration::from_secs(60);

#[test]
fn a_new_source_shows_a_figure() {
    follow("new-source.md");
}

#[test]
fn a_new_indicator_shows_a_figure() {
    follow("new-indicator.md");
}

#[test]
fn a_new_province_shows_its_figures() {
    follow("new-province.md");
}

/// One fenced block of a page.
#[derive(Debug)]
struct Block {
    language: String,
    text: String,
}

/// Where a newcomer works.
struct Desk {
    page: String,
    folder: tempfile::TempDir,
    node: Option<Node>,
}

fn follow(page: &str) {
    let path = root().join("docs/recipes").join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let blocks = blocks(&text);
    assert!(blocks.iter().any(|block| block.language == "sh"), "{page} has commands");
    let folder = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(root().join("profiles"), folder.path().join("profiles")).expect("linked");
    let mut desk = Desk { page: page.to_owned(), folder, node: None };
    for (index, block) in blocks.iter().enumerate() {
        let after = blocks.get(index + 1).filter(|next| next.language == "text");
        match block.language.as_str() {
            "toml" | "csv" => desk.write(block),
            "sh" => desk.run(&block.text, after.map_or("", |block| &block.text)),
            _ => {}
        }
    }
    assert!(desk.node.is_some(), "{page} starts the program");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            if !inside {
                blocks.push(Block { language: language.trim().to_owned(), text: String::new() });
            }
            inside = !inside;
        } else if let Some(block) = blocks.last_mut().filter(|_| inside) {
            block.text += line;
            block.text.push('\n');
        }
    }
    assert!(!inside, "the last block is closed");
    blocks
}

impl Desk {
    /// A file; the page says where it stands in the block's first line.
    fn write(&self, block: &Block) {
        let first = block.text.lines().next().unwrap_or_default();
        let Some(path) = first.strip_prefix("# ").filter(|path| path.contains('/')) else { return };
        let path = self.folder.path().join(path);
        assert!(path.starts_with(self.folder.path()), "{first}");
        std::fs::write(&path, &block.text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    fn run(&mut self, command: &str, wanted: &str) {
        if let Some(flags) = command.trim().strip_prefix("nhip run ") {
            self.start(flags);
            return;
        }
        let reads = command.trim().starts_with("curl -s 'http") && !command.contains(" -d ");
        let mut said = String::new();
        let mut complete = || {
            let (ok, output) = self.shell(command);
            assert!(ok, "{}: {command}\n{output}", self.page);
            said = output;
            wanted.lines().all(|line| said.contains(line.trim()))
        };
        if reads {
            until(&format!("{}: {command}", self.page), SEEN, complete);
        } else {
            let complete = complete();
            assert!(complete, "{}: {command}\nwanted:\n{wanted}\nsaid:\n{said}", self.page);
        }
    }

    fn shell(&self, command: &str) -> (bool, String) {
        let mut command = command.to_owned();
        if let Some(node) = &self.node {
            command = command.replace("127.0.0.1:8080", &node.http.to_string());
            let mqtt = node.mqtt.map(|address: SocketAddr| address.port()).unwrap_or_default();
            command = command.replace("-p 1883", &format!("-p {mqtt}"));
        }
        let program = binary();
        let own = program.parent().expect("a directory").display().to_string();
        let output = Command::new("sh")
            .args(["-e", "-c", &command])
            .current_dir(self.folder.path())
            .env("PATH", format!("{own}:/usr/local/bin:/usr/bin:/bin"))
            .output()
            .expect("a shell");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), said.concat())
    }

    /// `nhip run` with the page's flags, on free ports.
    fn start(&mut self, flags: &str) {
        let words: Vec<&str> = flags.split_whitespace().collect();
        let value = |name: &str| {
            let at =
                words.iter().position(|word| *word == name).unwrap_or_else(|| panic!("{name} in {flags}"));
            self.folder.path().join(words[at + 1])
        };
        let profile = value("--profile").display().to_string();
        let options = NodeOptions::run(&value("--data")).set("--profile", &profile);
        self.node = Some(Node::start(&options).unwrap_or_else(|error| panic!("{}: {error}", self.page)));
    }
}
