//! The HTTP side: one table of routes, one guard in front of them.

mod analyst;
mod bearer;
pub(crate) mod catalog;
mod combined;
mod duties;
mod explain;
mod export;
mod figures;
mod guard;
mod ingest;
mod ledger;
mod lists;
mod live;
mod operations;
mod pages;
mod past;
mod problem;
mod rejections;
mod restatements;
mod revisions;
mod series;
mod statistics;
mod targets;
pub(crate) mod times;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use nhip_profile::Profile;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::compression::CompressionLayer;

use crate::config::Config;
use crate::dashboard::Parts;
use crate::hub::Hub;
use crate::socket::Places;

/// What every request may use.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) parts: Parts,
    pub(crate) hub: Arc<Hub>,
    /// The profile the last question about the past needed, if it is not the one now valid.
    pub(crate) past_profile: Mutex<Option<Arc<Profile>>>,
    pub(crate) places: Arc<Places>,
    /// KiB of request bodies that may be held at once.
    pub(crate) bodies: Arc<Semaphore>,
    /// Exports that may be under way at once.
    pub(crate) exports: Arc<Semaphore>,
    pub(crate) sessions: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) local: SocketAddr,
}

impl Node {
    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.parts.profile.borrow())
    }
}

/// Every route of the API; `openapi.json` lists the same (tested).
pub(crate) fn router(node: Arc<Node>) -> Router {
    let compressed = Router::new()
        .route("/api/v1/indicators", get(catalog::indicators))
        .route("/api/v1/areas", get(catalog::areas))
        .route("/api/v1/sources", get(catalog::sources))
        .route("/api/v1/figures", get(figures::figures))
        .route("/api/v1/explain", get(explain::explain))
        .route("/api/v1/ledger", get(ledger::ledger))
        .route("/api/v1/rejections", get(rejections::rejections))
        .route("/api/v1/duties", get(duties::duties))
        .route("/api/v1/units", get(duties::units))
        .route("/api/v1/series", get(series::series))
        .route("/api/v1/openapi.json", get(operations::openapi))
        .route("/metrics", get(operations::metrics))
        .route("/", get(pages::root))
        .route("/wall/{view}", get(pages::wall))
        .fallback(pages::asset)
        .layer(CompressionLayer::new());
    Router::new()
        .route("/api/v1/views/{view}/snapshot", get(live::snapshot))
        .route("/api/v1/export", get(export::export))
        .route("/api/v1/analyst/query", post(analyst::query))
        .route("/api/v1/ingest/{stream}", post(ingest::ingest))
        .route("/api/v1/statistics", get(statistics::written))
        .route("/api/v1/statistics", post(statistics::commit))
        .route("/api/v1/statistics/preview", post(statistics::preview))
        .route("/api/v1/imports", get(statistics::imports))
        .route("/api/v1/profile", post(revisions::apply_profile))
        .route("/api/v1/redecode", post(revisions::redecode))
        .route("/api/v1/unsealings", post(revisions::unseal))
        .route("/api/v1/restatements", get(restatements::restatements))
        .route("/api/v1/restatements", post(revisions::restate))
        .route("/healthz", get(operations::health))
        .route("/readyz", get(operations::ready))
        .route("/clock", post(operations::step_clock))
        .route("/ws/v1", get(live::websocket))
        .merge(compressed)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&node), guard::guard))
        .with_state(node)
}
