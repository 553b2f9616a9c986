//! The flags of tokens and imports.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token; its secret is shown once and kept nowhere.
    Add {
        /// In whose name it writes.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        scope: TokenScope,
        /// Good before this time (RFC 3339); without it until it is revoked.
        #[arg(long, value_name = "TIME")]
        valid_to: Option<String>,
        /// The node's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// List all tokens, without secrets.
    List {
        /// The node's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Revoke a token; a running node heeds it at once.
    Revoke {
        /// Its id, or the name of a good one.
        token: String,
        /// The node's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

/// What a token allows.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenScope {
    /// A stream it is for; may be given several times; `*`: all.
    #[arg(long = "stream", value_name = "ID", required = true)]
    pub(crate) streams: Vec<String>,
    /// A source it is for; may be given several times; `*`: all.
    #[arg(long = "source", value_name = "ID", required = true)]
    pub(crate) sources: Vec<String>,
    /// It may also read what people wrote within this scope, released or not.
    #[arg(long)]
    pub(crate) read: bool,
    /// It may read only.
    #[arg(long)]
    pub(crate) read_only: bool,
}

/// Which document, and whose.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportFlags {
    /// The document: .xlsx, .csv or .tsv.
    pub(crate) file: PathBuf,
    /// The stream its columns belong to.
    #[arg(long, value_name = "ID")]
    pub(crate) stream: String,
    /// Whose figures they are.
    #[arg(long, value_name = "ID")]
    pub(crate) source: String,
    /// Write it; without this flag it is only judged.
    #[arg(long)]
    pub(crate) apply: bool,
    /// A file that holds the token.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// A comma stands before the decimals of a text.
    #[arg(long)]
    pub(crate) decimal_comma: bool,
    /// What stands between the cells of a text: comma, semicolon or tab; without it the document shows it.
    #[arg(long, value_name = "WORD")]
    pub(crate) delimiter: Option<String>,
    /// The sheet of a workbook; without it its first visible one.
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
}
