//! A pull link: agency systems that publish nothing are asked on a schedule, each page of their answer is one delivery.
//! What tells them "only if it changed" is remembered only after the page is durable.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use metrics::counter;
use nhip_ports::{Delivery, IngestLink, Intake, LinkError, Refused};
use nhip_proto::{Dedication, LinkState};
use tokio_util::sync::CancellationToken;

mod address;
mod client;
mod login;
mod pages;

pub use pages::Paging;

use address::Address;
use client::{Answer, Client, Fault};
use login::Login;
use pages::Pages;

/// How the link proves who it is.
#[derive(Clone, Debug, Default)]
pub enum PullLogin {
    /// Not at all.
    #[default]
    None,
    /// A token that stands in a file; the file is read again when the token is refused.
    Bearer {
        /// The file.
        token_file: PathBuf,
    },
    /// OAuth 2.0 client credentials (RFC 6749 §4.4).
    ClientCredentials {
        /// Where tokens are given out.
        token_url: String,
        /// Our id there.
        client_id: String,
        /// The file with our secret.
        client_secret_file: PathBuf,
        /// What is asked for; empty: the server's default.
        scope: String,
    },
}

/// What to ask, and the bounds.
#[derive(Clone, Debug)]
pub struct HttpPullConfig {
    /// The link's name in state, metrics, its topic `pull/{name}` and as principal of its deliveries.
    pub name: String,
    /// The topic of a page.
    pub topic: String,
    /// The first page.
    pub url: String,
    /// Seconds between the starts of two rounds.
    pub every_s: u64,
    /// Headers of every request beside our own.
    pub headers: Vec<(String, String)>,
    /// How it proves who it is.
    pub login: PullLogin,
    /// How a page leads to the next.
    pub paging: Paging,
    /// The authorities `https` trusts, PEM.
    pub ca_file: PathBuf,
    /// Pages of one round.
    pub pages_max: usize,
    /// The largest page taken whole, bytes; a larger one is handed over cut and logged as too large.
    pub body_bytes_max: usize,
    /// Seconds of one request, from connection to last byte.
    pub request_s_max: u64,
    /// The shortest pause after a failed round, milliseconds; it is doubled with each, half of it random.
    pub backoff_ms_min: u64,
    /// The longest.
    pub backoff_ms_max: u64,
    /// The longest wait a server may ask for (`Retry-After`), seconds.
    pub retry_after_s_max: u64,
    /// The rounds that brought something are counted up from here.
    pub epoch_first: u64,
}

impl Default for HttpPullConfig {
    fn default() -> Self {
        Self {
            name: "pull".to_owned(),
            topic: "pull/pull".to_owned(),
            url: "http://127.0.0.1/".to_owned(),
            every_s: 300,
            headers: Vec::new(),
            login: PullLogin::None,
            paging: Paging::None,
            ca_file: PathBuf::from("/etc/ssl/certs/ca-certificates.crt"),
            pages_max: 100,
            body_bytes_max: 1024 * 1024,
            request_s_max: 30,
            backoff_ms_min: 1_000,
            backoff_ms_max: 600_000,
            retry_after_s_max: 86_400,
            epoch_first: 1,
        }
    }
}

/// A link that asks.
pub struct HttpPull {
    config: HttpPullConfig,
    first: Address,
    client: Client,
    login: Login,
    shared: Shared,
}

#[derive(Default)]
struct Shared {
    up: AtomicBool,
    epoch: AtomicU64,
    delivered: AtomicU64,
    error: Mutex<String>,
}

/// What a server said about a page, to be told "only if it changed".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Validators {
    tag: Option<String>,
    modified: Option<String>,
}

/// Why a round ended early.
enum Broken {
    Fault(Fault),
    Refused(Refused),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refused> for Broken {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl HttpPull {
    /// A link; it asks when it runs.
    ///
    /// # Errors
    /// [`LinkError::Configuration`]: an address, header, secret or certificate that can never work.
    pub fn new(config: HttpPullConfig) -> Result<Self, LinkError> {
        let wrong = |what: String| LinkError::Configuration(format!("pull {}: {what}", config.name));
        let first =
            Address::parse(&config.url).ok_or_else(|| wrong("url: http(s)://host[:port]/…".to_owned()))?;
        let client = Client::new(&config).map_err(wrong)?;
        let login = Login::new(&config.login).map_err(wrong)?;
        let shared = Shared::default();
        shared.epoch.store(config.epoch_first.saturating_sub(1), Ordering::Relaxed);
        Ok(Self { first, client, login, shared, config })
    }

    async fn rounds(&self, intake: &dyn Intake) -> Result<(), Refused> {
        let mut validators = Validators::default();
        let mut failures = 0_u32;
        loop {
            let started = tokio::time::Instant::now();
            let outcome = self.round(intake, &mut validators).await;
            let pause = match outcome {
                Ok(()) => {
                    failures = 0;
                    self.shared.up.store(true, Ordering::Relaxed);
                    self.note(String::new());
                    Duration::from_secs(self.config.every_s.max(1)).saturating_sub(started.elapsed())
                }
                Err(Broken::Fault(fault)) => {
                    self.shared.up.store(false, Ordering::Relaxed);
                    self.count(fault.reason());
                    self.note(fault.to_string());
                    let pause = fault.retry_after().unwrap_or_else(|| self.backoff(failures));
                    failures = failures.saturating_add(1);
                    pause.min(Duration::from_secs(self.config.retry_after_s_max))
                }
                Err(Broken::Refused(refused)) => return Err(refused),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Doubled with each failure, half of it random.
    fn backoff(&self, failures: u32) -> Duration {
        let longest = self.config.backoff_ms_max.max(1);
        let doubled =
            self.config.backoff_ms_min.max(1).saturating_mul(1_u64 << failures.min(20)).min(longest);
        let mut bytes = [0_u8; 8];
        // Without randomness the pause is only less spread.
        getrandom::fill(&mut bytes).unwrap_or_default();
        let half = doubled / 2;
        Duration::from_millis(doubled - half + u64::from_le_bytes(bytes) % (half + 1))
    }

    /// Asks for all pages once; each is handed over and durable before the next is asked for.
    async fn round(&self, intake: &dyn Intake, validators: &mut Validators) -> Result<(), Broken> {
        let mut pages = Pages::new(&self.config, self.first.clone());
        let conditional = matches!(self.config.paging, Paging::None);
        while let Some(address) = pages.next_address() {
            let known = if conditional { validators.clone() } else { Validators::default() };
            let answer = self.ask(&address, &known).await?;
            if answer.status == 304 {
                self.count("unchanged");
                return Ok(());
            }
            let told = answer.validators();
            self.hand_over(intake, answer.body.clone()).await?;
            self.count("page");
            if conditional {
                *validators = told;
            }
            if let Err(stopped) = pages.follow(&address, &answer.body) {
                self.count(stopped);
                self.note(format!("paging ended: {stopped}"));
                return Ok(());
            }
        }
        Ok(())
    }

    /// One request, and a second with a fresh token if the first was not let in.
    async fn ask(&self, address: &Address, known: &Validators) -> Result<Answer, Fault> {
        let mut headers = self.config.headers.clone();
        headers.extend(known.tag.iter().map(|tag| ("if-none-match".to_owned(), tag.clone())));
        headers.extend(known.modified.iter().map(|time| ("if-modified-since".to_owned(), time.clone())));
        let authorized = |token: Option<String>| {
            let mut headers = headers.clone();
            headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
            headers
        };
        // A token is for our server only, never for where a page may lead.
        let token = self.login.token(&self.client, false).await?;
        let answer = self.client.get(address, &authorized(token)).await?;
        let answer = if answer.status == 401 && self.login.can_renew() {
            self.count("token_renewed");
            let token = self.login.token(&self.client, true).await?;
            self.client.get(address, &authorized(token)).await?
        } else {
            answer
        };
        match answer.status {
            200..=299 | 304 => Ok(answer),
            status => Err(Fault::Status { status, retry_after: answer.retry_after() }),
        }
    }

    async fn hand_over(&self, intake: &dyn Intake, payload: Bytes) -> Result<(), Refused> {
        let delivery = Delivery {
            topic: self.config.topic.clone(),
            payload,
            dedication: Dedication { qos: 1, retain: false, dup: false },
            content_type: String::new(),
            principal: self.config.name.clone(),
            epoch: self.shared.epoch.fetch_add(1, Ordering::Relaxed) + 1,
        };
        self.shared.delivered.fetch_add(1, Ordering::Relaxed);
        intake.submit(vec![delivery]).await?.wait().await?;
        Ok(())
    }

    fn count(&self, outcome: &'static str) {
        counter!("nhip_pull_requests_total", "link" => self.config.name.clone(), "outcome" => outcome)
            .increment(1);
    }

    fn note(&self, error: String) {
        let mut noted = self.shared.error.lock().unwrap_or_else(PoisonError::into_inner);
        if *noted != error {
            if !error.is_empty() {
                tracing::warn!(link = self.config.name, error, "pull");
            }
            *noted = error;
        }
    }
}

#[async_trait]
impl IngestLink for HttpPull {
    async fn run(&self, intake: Arc<dyn Intake>, stop: CancellationToken) -> Result<(), LinkError> {
        let outcome = tokio::select! {
            outcome = self.rounds(&*intake) => outcome,
            () = stop.cancelled() => Ok(()),
        };
        self.shared.up.store(false, Ordering::Relaxed);
        match outcome {
            Err(Refused::Stopping) if stop.is_cancelled() => Ok(()),
            other => Ok(other?),
        }
    }

    fn state(&self) -> LinkState {
        LinkState {
            name: self.config.name.clone(),
            up: self.shared.up.load(Ordering::Relaxed),
            epoch: self.shared.epoch.load(Ordering::Relaxed),
            delivered: self.shared.delivered.load(Ordering::Relaxed),
            error: self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
