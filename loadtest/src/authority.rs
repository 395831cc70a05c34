//! Whom to believe about certificates, and one for a server that is started here.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use frontrow_crowd::door::Tls;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// The authority whose certificates the tests use, and one of them for a server that is started here.
const AUTHORITY: &[u8] = include_bytes!("../../tests/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../tests/tls/first.pem");
const KEY: &[u8] = include_bytes!("../../tests/tls/first.key");

/// Believes in the authorities of a PEM file; without one, in that of the tests.
pub fn tls(authorities: Option<&Path>) -> anyhow::Result<&'static Tls> {
    let pem = match authorities {
        Some(path) => std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?,
        None => AUTHORITY.to_vec(),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.context("the authorities are not PEM")?)?;
    }
    Ok(Tls::new(roots)?)
}

/// Lays the tests' certificate and its key into a folder, and gives their paths.
pub fn lay_certificate(folder: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let (cert, key) = (folder.join("tls-cert.pem"), folder.join("tls-key.pem"));
    std::fs::write(&cert, CERTIFICATE)?;
    std::fs::write(&key, KEY)?;
    Ok((cert, key))
}
