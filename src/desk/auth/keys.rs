//! The keys that access tokens are verified with, and the files they are read from. Always: the keys that are used
//! came from a file that could be read whole; a later one that cannot is warned of and changes nothing; no error
//! says what stood in a file.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::{Mutex, RwLock};
use rand::RngExt;
use serde::Deserialize;
use serde_json::Value;

use crate::config::IssuerKey;
use crate::store::files;

/// The name of our own key's file in the data folder.
pub const KEY_FILE: &str = "token.key";

const KEY_BYTES: usize = 32;
/// A key set of an issuer with hundreds of keys is a tenth of it.
const KEY_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot {doing} {path}")]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{path} is not a key of this server: it must hold {KEY_BYTES} bytes in hexadecimal")]
    NotOurKey { path: PathBuf },
    #[error("{path} is a private key; `auth.pem_file` takes the public one")]
    Private { path: PathBuf },
    #[error("{path} is neither an RSA, a P-256 nor an Ed25519 public key in PEM")]
    NotAPublicKey { path: PathBuf },
    #[error("{path} is not a JSON Web Key Set: line {line}, column {column}")]
    NotAKeySet { path: PathBuf, line: usize, column: usize },
    #[error("{path} has no key for RS256, ES256 or EdDSA")]
    NoUsableKey { path: PathBuf },
    #[error("{path} has more than {KEY_FILE_BYTES_MAX} bytes")]
    TooLong { path: PathBuf },
}

pub(super) struct VerifyingKey {
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

impl VerifyingKey {
    pub fn of_secret(secret: &[u8]) -> Self {
        Self { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }
    }
}

/// The algorithm of this name. EdDSA has a second one since RFC 9864.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "HS256" => Some(Algorithm::HS256),
        "RS256" => Some(Algorithm::RS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" | "Ed25519" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// An external issuer's keys, and the file that may be replaced while we run.
pub(super) struct IssuerKeys {
    source: IssuerKey,
    current: RwLock<Arc<[VerifyingKey]>>,
    seen: Mutex<Seen>,
}

/// The file that the keys are from, and the one that was warned of.
#[derive(Default)]
struct Seen {
    taken: Option<FileState>,
    warned: Option<Option<FileState>>,
}

/// Distinguishes a file from the one that replaced it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileState {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl IssuerKeys {
    pub fn open(source: &IssuerKey) -> Result<Self, KeyError> {
        // Its state is taken before it is read: a file that is replaced meanwhile is read again.
        let taken = state_of(source);
        let keys = read_keys(source)?;
        Ok(Self {
            source: source.clone(),
            current: RwLock::new(keys.into()),
            seen: Mutex::new(Seen { taken, warned: None }),
        })
    }

    pub fn current(&self) -> Arc<[VerifyingKey]> {
        self.current.read().clone()
    }

    pub fn reread(&self) {
        let mut seen = self.seen.lock();
        let state = state_of(&self.source);
        if state == seen.taken {
            return;
        }
        match read_keys(&self.source) {
            Ok(keys) => {
                tracing::info!(
                    keys = keys.len(),
                    "the issuer's key file changed: its keys are used from now on"
                );
                *self.current.write() = keys.into();
                *seen = Seen { taken: state, warned: None };
            }
            // It may be half written: it is tried again, and warned of once.
            Err(error) if seen.warned != Some(state) => {
                seen.warned = Some(state);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "the issuer's new key file cannot be used: the keys of before are kept"
                );
            }
            Err(_) => {}
        }
    }
}

/// `None`: there is no file, or none that can be looked at.
fn state_of(source: &IssuerKey) -> Option<FileState> {
    let (IssuerKey::PemFile(path) | IssuerKey::JwksFile(path)) = source else { return None };
    let file = std::fs::metadata(path).ok()?;
    Some(FileState {
        device: file.dev(),
        inode: file.ino(),
        bytes: file.len(),
        changed: (file.mtime(), file.mtime_nsec()),
    })
}

fn read_keys(source: &IssuerKey) -> Result<Vec<VerifyingKey>, KeyError> {
    match source {
        IssuerKey::Hs256Secret(secret) => Ok(vec![VerifyingKey::of_secret(secret.as_bytes())]),
        IssuerKey::PemFile(path) => Ok(vec![key_of_pem(path)?]),
        IssuerKey::JwksFile(path) => keys_of_set(path),
    }
}

/// Reads our own key, or makes it. Two processes that begin at the same time get the same one.
pub(super) fn own_secret(data: &Path) -> Result<Vec<u8>, KeyError> {
    let path = data.join(KEY_FILE);
    let failed = |doing| {
        let path = path.clone();
        move |cause| KeyError::File { doing, path, cause }
    };
    if !path.exists() {
        files::make_folder(data).map_err(failed("make the folder of"))?;
        let secret: [u8; KEY_BYTES] = rand::rng().random();
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = data.join(format!("{KEY_FILE}.{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(files::FILE_MODE)
            .open(&draft)
            .map_err(failed("write"))?;
        file.write_all(hex.as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write"))?;
        // A link is refused where a file is already: the first one to get here decides.
        let linked = std::fs::hard_link(&draft, &path);
        std::fs::remove_file(&draft).map_err(failed("write"))?;
        match linked {
            Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(failed("write")(cause)),
            _ => {}
        }
    }
    files::close_to_others(&path).map_err(failed("keep others from"))?;
    let hex = std::fs::read_to_string(&path).map_err(failed("read"))?;
    let hex = hex.trim().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let secret: Option<Vec<u8>> = hex.chunks(2).map(byte).collect();
    secret.filter(|secret| secret.len() == KEY_BYTES).ok_or(KeyError::NotOurKey { path })
}

fn read_file(path: &Path) -> Result<Vec<u8>, KeyError> {
    let failed = |cause| KeyError::File { doing: "read", path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > KEY_FILE_BYTES_MAX {
        true => Err(KeyError::TooLong { path: path.to_owned() }),
        false => Ok(bytes),
    }
}

fn key_of_pem(path: &Path) -> Result<VerifyingKey, KeyError> {
    let pem = read_file(path)?;
    if String::from_utf8_lossy(&pem).contains("PRIVATE KEY-----") {
        return Err(KeyError::Private { path: path.to_owned() });
    }
    let key = DecodingKey::from_rsa_pem(&pem)
        .map(|key| (Algorithm::RS256, key))
        .or_else(|_| DecodingKey::from_ec_pem(&pem).map(|key| (Algorithm::ES256, key)))
        .or_else(|_| DecodingKey::from_ed_pem(&pem).map(|key| (Algorithm::EdDSA, key)));
    match key {
        Ok((algorithm, key)) => Ok(VerifyingKey { id: None, algorithm, key }),
        Err(_) => Err(KeyError::NotAPublicKey { path: path.to_owned() }),
    }
}

#[derive(Deserialize)]
struct KeySet {
    /// Each read by itself: a key of a kind that nobody here knows must not cost the others.
    keys: Vec<Value>,
}

fn keys_of_set(path: &Path) -> Result<Vec<VerifyingKey>, KeyError> {
    // The reader's own message is left out: it may quote the file, which may be the wrong one.
    let set: KeySet = serde_json::from_slice(&read_file(path)?).map_err(|error| KeyError::NotAKeySet {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
    })?;
    let keys: Vec<_> = set.keys.iter().filter_map(key_of_jwk).collect();
    if keys.is_empty() {
        return Err(KeyError::NoUsableKey { path: path.to_owned() });
    }
    Ok(keys)
}

/// `None` for keys of other kinds and uses, which a set may have for others. Secrets are not taken from a set:
/// it is made to be public.
fn key_of_jwk(json: &Value) -> Option<VerifyingKey> {
    let jwk = Jwk::deserialize(json).ok()?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let meant = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    // A set may reserve a key for another algorithm of the same kind, RS512 for instance.
    if json.get("alg").is_some_and(|name| name.as_str().and_then(algorithm) != Some(meant)) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(VerifyingKey { id: jwk.common.key_id.clone(), algorithm: meant, key })
}
