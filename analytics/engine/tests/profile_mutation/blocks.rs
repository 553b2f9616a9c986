//! The tables of a profile whose lines say what is computed, cut out of the files as text.

/// What a table defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Indicator,
    Threshold,
    /// A stream with the tables inside it.
    Stream,
    WaterLevel,
}

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// The indicator or stream it belongs to.
    pub(crate) owner: String,
    pub(crate) path: String,
    /// The line of the file it starts in, from 0.
    pub(crate) first: usize,
    pub(crate) lines: Vec<String>,
}

/// All of them, in the order of the files.
pub(crate) fn of(files: &[(String, String)]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".toml")) {
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('[') && !line.starts_with("[stream.") {
                blocks.extend(open.take().and_then(named));
                let kind = kind_of(line);
                open = kind.map(|kind| Block {
                    kind,
                    owner: String::new(),
                    path: path.clone(),
                    first: number,
                    lines: Vec::new(),
                });
            }
            if let Some(block) = &mut open {
                block.lines.push(line.to_owned());
            }
        }
        blocks.extend(open.and_then(named));
    }
    blocks
}

fn kind_of(line: &str) -> Option<Kind> {
    match line {
        "[[indicator]]" => Some(Kind::Indicator),
        "[[threshold]]" => Some(Kind::Threshold),
        "[[stream]]" => Some(Kind::Stream),
        "[[water_level]]" => Some(Kind::WaterLevel),
        _ => None,
    }
}

fn named(mut block: Block) -> Option<Block> {
    let key = match block.kind {
        Kind::Indicator | Kind::Stream => "id",
        Kind::Threshold => "indicator",
        Kind::WaterLevel => "group",
    };
    let owner = block.lines.iter().find_map(|line| quoted(value_of(line, key)?)).map(str::to_owned);
    block.owner = owner?;
    Some(block)
}

/// What stands behind `key = `.
pub(crate) fn value_of<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.strip_prefix(key)?.trim_start().strip_prefix('=').map(str::trim_start)
}

/// The first text in quotes.
pub(crate) fn quoted(value: &str) -> Option<&str> {
    value.split('"').nth(1)
}
