//! How a node says who it is, and whom it trusts to be the bus.
//!
//! Always: what is secret is read from its file anew for each connection, so that one that was exchanged needs no restart; no
//! error and no log quotes any of it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_nats::Auth;
use async_nats::rustls::crypto::ring;
use async_nats::rustls::pki_types::pem::{self, PemObject};
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::rustls::{self, ClientConfig, RootCertStore};
use nkeys::KeyPair;

use crate::limits::BUS_SECRET_BYTES_MAX;

/// How a node logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// Whoever reaches the bus may use it.
    #[default]
    Nobody,
    /// By name, and the file of the password.
    User(String, PathBuf),
    /// The file of a user's seed (`SU…`).
    Nkey(PathBuf),
    /// The file with a user's JWT and seed, as `nsc` writes it (`.creds`).
    Credentials(PathBuf),
}

/// Who vouches for the bus, and what we show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// A PEM file with the authorities, which are then the only ones. `None`: the public ones.
    pub ca: Option<PathBuf>,
    /// Our own certificate, its chain behind it, and its key, as PEM files.
    pub own: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("cannot read {path}")]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{path} is not {what}")]
    NotWhatItShouldBe { path: PathBuf, what: &'static str },
    #[error("cannot read PEM from {path}")]
    NotPem {
        path: PathBuf,
        #[source]
        cause: pem::Error,
    },
    #[error("{path} has no certificate in PEM form")]
    NoCertificate { path: PathBuf },
    #[error("a certificate or its key cannot be used")]
    Unusable(#[from] rustls::Error),
}

impl Login {
    /// What is shown to a server that said `nonce`.
    pub(super) fn auth(&self, nonce: &[u8]) -> Result<Auth, LoginError> {
        let mut auth = Auth::new();
        match self {
            Self::Nobody => {}
            Self::User(user, path) => {
                auth.username = Some(user.clone());
                auth.password = Some(text_of(path)?.trim_end_matches(['\r', '\n']).to_owned());
            }
            Self::Nkey(path) => {
                let pair = key_pair(path, &text_of(path)?)?;
                auth.nkey = Some(pair.public_key());
                auth.signature = Some(signature(path, &pair, nonce)?);
            }
            Self::Credentials(path) => {
                let text = text_of(path)?;
                let jwt = line_below(&text, "BEGIN NATS USER JWT")
                    .ok_or_else(|| not(path, "a file with a NATS user's JWT"))?;
                auth.jwt = Some(jwt.to_owned());
                auth.signature = Some(signature(path, &key_pair(path, &text)?, nonce)?);
            }
        }
        Ok(auth)
    }
}

impl Trust {
    /// One file of our own pair without the other is not known here.
    pub(super) fn config(&self) -> Result<ClientConfig, LoginError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate)?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let Some((cert, key)) = &self.own else { return Ok(config.with_no_client_auth()) };
        let not_pem = |cause| LoginError::NotPem { path: key.clone(), cause };
        let key = PrivateKeyDer::from_pem_file(key).map_err(not_pem)?;
        Ok(config.with_client_auth_cert(certificates(cert)?, key)?)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoginError> {
    let not_pem = |cause| LoginError::NotPem { path: path.to_owned(), cause };
    let certificates = CertificateDer::pem_file_iter(path).map_err(not_pem)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(not_pem)?;
    match certificates.is_empty() {
        true => Err(LoginError::NoCertificate { path: path.to_owned() }),
        false => Ok(certificates),
    }
}

fn text_of(path: &Path) -> Result<String, LoginError> {
    let unreadable = |cause| LoginError::Unreadable { path: path.to_owned(), cause };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(BUS_SECRET_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn not(path: &Path, what: &'static str) -> LoginError {
    LoginError::NotWhatItShouldBe { path: path.to_owned(), what }
}

/// The pair whose seed stands on a line of its own.
fn key_pair(path: &Path, text: &str) -> Result<KeyPair, LoginError> {
    let seed = text.lines().map(str::trim).find(|line| line.starts_with("SU"));
    let pair = seed.and_then(|seed| KeyPair::from_seed(seed).ok());
    pair.ok_or_else(|| not(path, "a file with the seed of a NATS user (SU…)"))
}

fn signature(path: &Path, pair: &KeyPair, nonce: &[u8]) -> Result<Vec<u8>, LoginError> {
    pair.sign(nonce).map_err(|_| not(path, "a file with a key that signs"))
}

fn line_below<'t>(text: &'t str, head: &str) -> Option<&'t str> {
    let mut lines = text.lines().skip_while(|line| !line.contains(head)).skip(1).map(str::trim);
    lines.next().filter(|line| !line.is_empty() && !line.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &[u8] = b"a nonce";

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    /// The whole chain of an error.
    fn words(error: LoginError) -> String {
        format!("{:#}", anyhow::Error::from(error))
    }

    #[test]
    fn a_password_is_the_line_of_its_file() {
        for (content, password) in [("hush", "hush"), ("hu sh \r\n", "hu sh "), ("hush\n\n", "hush")] {
            let file = file(content);
            let login = Login::User("frontrow".to_owned(), file.path().to_owned());
            let auth = login.auth(NONCE).unwrap();
            assert_eq!(
                (auth.username.as_deref(), auth.password.as_deref()),
                (Some("frontrow"), Some(password))
            );
            assert_eq!((auth.jwt, auth.nkey, auth.signature), (None, None, None));
        }
    }

    #[test]
    fn a_seed_signs_with_and_without_a_frame_around_it() {
        let pair = KeyPair::new_user();
        let seed = pair.seed().unwrap();
        let framed = format!("-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n");
        for content in [format!("{seed}\n"), framed] {
            let file = file(&content);
            let auth = Login::Nkey(file.path().to_owned()).auth(NONCE).unwrap();
            assert_eq!(auth.nkey, Some(pair.public_key()));
            pair.verify(NONCE, &auth.signature.unwrap()).unwrap();
        }
    }

    #[test]
    fn credentials_are_a_jwt_and_the_seed_that_signs_for_it() {
        let pair = KeyPair::new_user();
        let content = format!(
            "-----BEGIN NATS USER JWT-----\na.b-c.d_e\n------END NATS USER JWT------\n\n\
             *** IMPORTANT ***\nNKEY Seed printed below can be used to sign and prove identity.\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            pair.seed().unwrap()
        );
        let file = file(&content);
        let auth = Login::Credentials(file.path().to_owned()).auth(NONCE).unwrap();
        assert_eq!((auth.jwt.as_deref(), auth.nkey), (Some("a.b-c.d_e"), None));
        pair.verify(NONCE, &auth.signature.unwrap()).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_quoting_it() {
        let account = KeyPair::new_account().seed().unwrap();
        let hush = file(&format!("hush {account}"));
        let path = hush.path().to_owned();
        let name = path.display();
        let own = (path.clone(), path.clone());
        for (error, expected) in [
            (
                Login::Nkey(path.clone()).auth(NONCE).err(),
                format!("{name} is not a file with the seed of a NATS user (SU…)"),
            ),
            (
                Login::Credentials(path.clone()).auth(NONCE).err(),
                format!("{name} is not a file with a NATS user's JWT"),
            ),
            (
                Trust { ca: Some(path.clone()), own: None }.config().err(),
                format!("{name} has no certificate in PEM form"),
            ),
            (
                Trust { ca: None, own: Some(own) }.config().err(),
                format!("cannot read PEM from {name}: no items found"),
            ),
        ] {
            assert_eq!(error.map(words), Some(expected));
        }
        let nowhere = Login::User("a".to_owned(), "/nonexistent/password".into());
        let error = words(nowhere.auth(NONCE).err().unwrap());
        assert!(error.starts_with("cannot read /nonexistent/password: No such file"), "{error}");
    }
}
