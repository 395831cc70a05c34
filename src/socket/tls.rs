//! TLS: the certificate that is shown, read again when its files change, and the handshake.
//!
//! Always: a certificate and a key that do not fit each other are never served; what was served before goes on
//! instead. Errors name a file and what is wrong with it, and never quote a line of it. Not here: what is written to
//! a connection afterwards, which is `Stream`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig, ServerConnection};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stream::{self, Stream};
use crate::config::TlsFiles;
use crate::limits;

/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE_RECORD: u8 = 0x16;
/// The part of a request on the wrong port that is read before the answer, so that the answer is not lost to a reset.
const WRONG_PORT_BYTES_MAX: usize = 8 * 1024;
const WRONG_PORT_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\
    content-length: 50\r\n\r\nThis port uses TLS: begin the address with https:\n";

/// The certificate and settings of a listener with TLS.
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    files: TlsFiles,
    seen: Mutex<Seen>,
}

/// The certificate that the next handshake shows.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().clone())
    }
}

/// The digests of what the files held, so that only what is new is judged.
struct Seen {
    /// The digest at the last look.
    last: Option<[u8; 32]>,
    /// The digest when they were judged last.
    judged: Option<[u8; 32]>,
}

/// Why a certificate and its key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path}")]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{0} has no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("{0} has no private key in PEM form (PKCS#8, SEC1 or PKCS#1, without a passphrase)")]
    NoKey(PathBuf),
    #[error("the certificate in {cert} and the key in {key} cannot be used together")]
    Unusable {
        cert: PathBuf,
        key: PathBuf,
        #[source]
        cause: rustls::Error,
    },
}

/// The outcome of a look at the files.
#[derive(Debug)]
pub enum Look {
    Unchanged,
    Renewed,
    /// The certificate from before is served on.
    Refused(TlsError),
}

/// Why a connection did not become one of TLS.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It got the answer.
    #[error("the client does not know that this port uses TLS")]
    NotTls,
    #[error("no keys could be agreed on")]
    Failed(#[source] io::Error),
    #[error("the client took too long")]
    Late,
}

impl HandshakeError {
    /// Its name in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotTls => "not_tls",
            Self::Failed(_) => "failed",
            Self::Late => "late",
        }
    }
}

impl Tls {
    pub fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let contents = Contents::read(files)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(contents.certified(files, &provider)?))));
        let unusable = |cause| TlsError::Unusable { cert: files.cert.clone(), key: files.key.clone(), cause };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        // Tickets are kept by clients: thousands who come back at once need no signature of ours, and no memory.
        config.ticketer = ring::Ticketer::new().map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let hash = Some(contents.hash());
        let seen = Mutex::new(Seen { last: hash, judged: hash });
        Ok(Self { config: Arc::new(config), shown, files: files.clone(), seen })
    }

    /// Looks at the files, and serves what is new and good from the next handshake on. What has changed since the last
    /// look is left for the next one: the other of both files may be on its way.
    pub fn look(&self) -> Look {
        let contents = match Contents::read(&self.files) {
            Ok(contents) => contents,
            Err(error) => {
                let mut seen = self.seen.lock();
                let settled = seen.last.take().is_none();
                return match settled && seen.judged.take().is_some() {
                    true => Look::Refused(error),
                    false => Look::Unchanged,
                };
            }
        };
        let hash = Some(contents.hash());
        let mut seen = self.seen.lock();
        let settled = std::mem::replace(&mut seen.last, hash) == hash;
        if !settled || seen.judged == hash {
            return Look::Unchanged;
        }
        seen.judged = hash;
        match contents.certified(&self.files, self.config.crypto_provider()) {
            Ok(certified) => {
                *self.shown.0.write() = Arc::new(certified);
                Look::Renewed
            }
            Err(error) => Look::Refused(error),
        }
    }

    /// Looks again and again, and logs what changed. Never ends.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(limits::CERTIFICATE_LOOKED_AT_EVERY).await;
            let tls = self.clone();
            let looked = tokio::task::spawn_blocking(move || tls.look()).await;
            match looked {
                Ok(Look::Unchanged) | Err(_) => {}
                Ok(Look::Renewed) => tracing::info!(
                    cert = %self.files.cert.display(),
                    "new connections are shown the certificate that was put in place"
                ),
                Ok(Look::Refused(error)) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the new certificate cannot be used; the one before stays"
                ),
            }
        }
    }

    /// Agrees on keys with a client, within a time.
    pub async fn accept(&self, tcp: TcpStream, patience: Duration) -> Result<Stream, HandshakeError> {
        tokio::time::timeout(patience, self.agree(tcp)).await.unwrap_or(Err(HandshakeError::Late))
    }

    async fn agree(&self, mut tcp: TcpStream) -> Result<Stream, HandshakeError> {
        let mut first = [0];
        let count = tcp.peek(&mut first).await.map_err(HandshakeError::Failed)?;
        if count == 1 && first[0] != HANDSHAKE_RECORD {
            explain(&mut tcp).await;
            return Err(HandshakeError::NotTls);
        }
        let session = ServerConnection::new(self.config.clone())
            .map_err(|error| HandshakeError::Failed(io::Error::other(error)))?;
        let mut stream = stream::TlsStream::new(tcp, session);
        stream.shake_hands().await.map_err(HandshakeError::Failed)?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Answers a client in plain HTTP that this port is encrypted.
async fn explain(tcp: &mut TcpStream) {
    let sent = async {
        let mut scrap = [0; 1024];
        let _ = tcp.read(&mut scrap).await?;
        tcp.write_all(WRONG_PORT_ANSWER.as_bytes()).await?;
        tcp.shutdown().await?;
        let mut read = 0;
        while read < WRONG_PORT_BYTES_MAX {
            match tcp.read(&mut scrap).await? {
                0 => break,
                count => read += count,
            }
        }
        Ok::<_, io::Error>(())
    };
    // The client may have read it or not.
    let _ = sent.await;
}

/// Both files, as they are now.
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { cert: read(&files.cert)?, key: read(&files.key)? })
    }

    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.cert.len() as u64).to_be_bytes());
        hash.update(&self.cert);
        hash.update(&self.key);
        hash.finalize().into()
    }

    fn certified(&self, files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        // The parser's own words would quote the line.
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate(files.cert.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey(files.key.clone()))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|cause| TlsError::Unusable {
            cert: files.cert.clone(),
            key: files.key.clone(),
            cause,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let mut content = Vec::new();
    let file = std::fs::File::open(path)
        .and_then(|file| file.take(limits::TLS_FILE_BYTES_MAX).read_to_end(&mut content));
    file.map(|_| content).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
}

#[cfg(test)]
pub(super) mod tests {
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;

    /// A server with the first certificate.
    pub fn server() -> Tls {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
        Tls::open(&TlsFiles { cert: from.join("first.pem"), key: from.join("first.key") }).unwrap()
    }

    /// A client that believes in it.
    pub fn client() -> TlsConnector {
        let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/ca.pem");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    fn lay(folder: &Path, cert: &str, key: &str) -> TlsFiles {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
        let files = TlsFiles { cert: folder.join("cert"), key: folder.join("key") };
        std::fs::copy(from.join(cert), &files.cert).unwrap();
        std::fs::copy(from.join(key), &files.key).unwrap();
        files
    }

    #[test]
    fn only_a_whole_and_fitting_pair_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let files = lay(folder.path(), "first.pem", "first.key");
        let tls = Tls::open(&files).unwrap();
        let shown = || tls.shown.0.read().cert[0].clone();
        let first = shown();
        assert!(matches!(tls.look(), Look::Unchanged));

        // Half of a renewal: not judged before it has been the same twice, and then refused, once.
        lay(folder.path(), "second.pem", "first.key");
        assert!(matches!(tls.look(), Look::Unchanged));
        assert!(matches!(tls.look(), Look::Refused(TlsError::Unusable { .. })));
        assert!(matches!(tls.look(), Look::Unchanged));
        assert_eq!(shown(), first);

        // The other half.
        lay(folder.path(), "second.pem", "second.key");
        assert!(matches!(tls.look(), Look::Unchanged));
        assert!(matches!(tls.look(), Look::Renewed));
        assert_ne!(shown(), first);

        std::fs::remove_file(&files.cert).unwrap();
        assert!(matches!(tls.look(), Look::Unchanged), "perhaps it is just being replaced");
        assert!(matches!(tls.look(), Look::Refused(TlsError::Unreadable { .. })));
        assert!(matches!(tls.look(), Look::Unchanged));
        assert_ne!(shown(), first);
        lay(folder.path(), "first.pem", "first.key");
        assert!(matches!(tls.look(), Look::Unchanged));
        assert!(matches!(tls.look(), Look::Renewed));
        assert_eq!(shown(), first);
    }

    #[test]
    fn what_is_wrong_is_named_without_a_line_of_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let files = lay(folder.path(), "first.pem", "first.key");
        let refused = |content: &str, of: &Path| {
            std::fs::write(of, content).unwrap();
            let error = Tls::open(&files).err().unwrap();
            let text = format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
            lay(folder.path(), "first.pem", "first.key");
            text
        };
        let broken = "-----BEGIN PRIVATE KEY----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (text, wanted) in [
            (refused("", &files.cert), "has no certificate"),
            (refused("", &files.key), "has no private key"),
            (refused(broken, &files.key), "has no private key"),
            (refused(&broken.replace("KEY----\n", "KEY-----\n"), &files.key), "cannot be used together"),
        ] {
            assert!(text.contains(wanted) && !text.contains("c2Vj"), "{text}");
            assert!(text.contains(folder.path().to_str().unwrap()), "{text}");
        }
    }
}
