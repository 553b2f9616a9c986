//! Certificate and key files of the MQTT links, PEM.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use nhip_ports::LinkError;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The certificates of a file.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    let found: Vec<CertificateDer<'static>> = rustls_pemfile::certs(&mut open(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, &error))?;
    if found.is_empty() { Err(unusable(path, &"no certificate in it")) } else { Ok(found) }
}

/// The private key of a file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, LinkError> {
    rustls_pemfile::private_key(&mut open(path)?)
        .map_err(|error| unusable(path, &error))?
        .ok_or_else(|| unusable(path, &"no private key in it"))
}

/// A client's TLS: it trusts the given authorities only and shows its certificate if it has one.
pub(crate) fn client_config(
    authorities: &Path,
    identity: Option<(&Path, &Path)>,
) -> Result<Arc<ClientConfig>, LinkError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authorities)? {
        roots.add(certificate).map_err(|error| unusable(authorities, &error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(authorities, &error))?
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|error| unusable(certificate, &error))?,
    };
    Ok(Arc::new(config))
}

fn open(path: &Path) -> Result<BufReader<File>, LinkError> {
    Ok(BufReader::new(File::open(path).map_err(|error| unusable(path, &error))?))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> LinkError {
    LinkError::Configuration(format!("{}: {error}", path.display()))
}
