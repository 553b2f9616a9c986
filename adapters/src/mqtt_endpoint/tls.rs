//! TLS of the endpoint: its certificate, and the authority that signs the clients' certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nhip_ports::LinkError;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::mqtt_tls::{certificates, private_key};

/// The files of a TLS listener, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttServerTls {
    /// The chain, the server's own certificate first.
    pub certificates: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Clients must show a certificate signed by one of these; none: they need not.
    pub client_authorities: Option<PathBuf>,
}

pub(super) fn acceptor(tls: &MqttServerTls) -> Result<TlsAcceptor, LinkError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&tls.certificates, &error))?;
    let builder = match &tls.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unusable(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| unusable(path, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder
        .with_single_cert(certificates(&tls.certificates)?, private_key(&tls.key)?)
        .map_err(|error| unusable(&tls.certificates, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> LinkError {
    LinkError::Configuration(format!("{}: {error}", path.display()))
}
