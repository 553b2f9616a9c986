//! Ways in that nobody sends to by himself: directories that are watched, APIs that are asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use nhip_adapters::{DropFolder, HttpPull, HttpPullConfig, Paging, PullLogin};
use nhip_ports::IngestLink;

use crate::commands::Failure;
use crate::compose::epoch_first;
use crate::config::Config;
use crate::config_links::{DropFolderConfig, PagingConfig, PullConfig};

/// The longest time between two rounds of a pull, and the longest rest of a file: a week.
const SPAN_S_MAX: u64 = 7 * 24 * 3_600;

/// All of them.
pub(crate) fn feeds(config: &Config) -> Result<Vec<Arc<dyn IngestLink>>, Failure> {
    let mut names = BTreeSet::new();
    let folders = config.drop_folders.iter().map(|folder| folder.name.as_str());
    for name in folders.chain(config.pulls.iter().map(|pull| pull.name.as_str())) {
        let level =
            !name.is_empty() && !name.contains(|sign: char| "/+#{}".contains(sign) || sign.is_control());
        if !level || !names.insert(name) {
            let what =
                format!("drop_folder or pull \"{name}\": each needs a name of its own, one topic level");
            return Err(Failure::configuration(what));
        }
    }
    let mut feeds: Vec<Arc<dyn IngestLink>> = Vec::new();
    for folder in &config.drop_folders {
        feeds.push(Arc::new(drop_folder(folder)?));
    }
    for one in &config.pulls {
        feeds.push(Arc::new(pull(one)?));
    }
    Ok(feeds)
}

fn drop_folder(config: &DropFolderConfig) -> Result<DropFolder, Failure> {
    let settings = nhip_adapters::DropFolderConfig {
        name: config.name.clone(),
        directory: config.directory.clone(),
        settle_ms: config.settle_s.min(SPAN_S_MAX) * 1_000,
        epoch_first: epoch_first(),
        ..nhip_adapters::DropFolderConfig::default()
    };
    DropFolder::new(settings).map_err(Failure::configuration)
}

fn pull(config: &PullConfig) -> Result<HttpPull, Failure> {
    let wrong = |what: &str| Failure::configuration(format!("pull {}: {what}", config.name));
    let login = match (&config.token_file, &config.oauth) {
        (None, None) => PullLogin::None,
        (Some(file), None) => PullLogin::Bearer { token_file: file.clone() },
        (None, Some(oauth)) => PullLogin::ClientCredentials {
            token_url: oauth.token_url.clone(),
            client_id: oauth.client_id.clone(),
            client_secret_file: oauth.client_secret_file.clone(),
            scope: oauth.scope.clone(),
        },
        (Some(_), Some(_)) => return Err(wrong("token_file and oauth: one of the two")),
    };
    let defaults = HttpPullConfig::default();
    let settings = HttpPullConfig {
        name: config.name.clone(),
        topic: format!("pull/{}", config.name),
        url: config.url.clone(),
        every_s: config.every_s.clamp(1, SPAN_S_MAX),
        headers: config.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        login,
        paging: config
            .paging
            .as_ref()
            .map_or(Ok(Paging::None), |paging| read_paging(paging))
            .map_err(wrong)?,
        ca_file: config.ca_file.clone().unwrap_or(defaults.ca_file.clone()),
        request_s_max: config.timeout_s.clamp(1, 600),
        epoch_first: epoch_first(),
        ..defaults
    };
    HttpPull::new(settings).map_err(Failure::configuration)
}

fn read_paging(config: &PagingConfig) -> Result<Paging, &'static str> {
    let items = config.items.clone();
    match (&config.next, &config.page, &config.offset) {
        (Some(pointer), None, None) => Ok(Paging::NextLink { pointer: pointer.clone() }),
        (None, Some(parameter), None) => {
            Ok(Paging::PageNumber { parameter: parameter.clone(), first: config.first.unwrap_or(1), items })
        }
        (None, None, Some(parameter)) => Ok(Paging::Offset { parameter: parameter.clone(), items }),
        _ => Err("paging: exactly one of next, page, offset"),
    }
}
