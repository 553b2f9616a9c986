//! The configuration of drop folders and pulled APIs; docs/configuration.md explains each key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// One directory stations put files into.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DropFolderConfig {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    /// How long a file must rest before it is taken.
    #[serde(default = "two")]
    pub(crate) settle_s: u64,
}

/// One API that is asked on a schedule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullConfig {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) every_s: u64,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) oauth: Option<OAuthConfig>,
    pub(crate) paging: Option<PagingConfig>,
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default = "thirty")]
    pub(crate) timeout_s: u64,
}

/// OAuth 2.0 client credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OAuthConfig {
    pub(crate) token_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret_file: PathBuf,
    #[serde(default)]
    pub(crate) scope: String,
}

/// How a page leads to the next: exactly one of `next`, `page` and `offset`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PagingConfig {
    /// A JSON pointer to the next page's address.
    pub(crate) next: Option<String>,
    /// A query parameter that counts pages.
    pub(crate) page: Option<String>,
    /// A query parameter that counts items.
    pub(crate) offset: Option<String>,
    /// The number of the first page.
    pub(crate) first: Option<u64>,
    /// A JSON pointer to the list on a page.
    #[serde(default)]
    pub(crate) items: String,
}

fn two() -> u64 {
    2
}

fn thirty() -> u64 {
    30
}
