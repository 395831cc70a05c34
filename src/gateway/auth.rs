//! Access tokens: whose they are, and making our own.
//!
//! Two kinds of keys exist. Our own is a secret in the data folder, made once, for guests, `frontrow token` and
//! operators. An external issuer's comes from the configuration. Always: the key decides which algorithm a token
//! may use, never the token; a token without an end is refused; no token is ever logged. Not here: users, whom
//! `identity` finds, and queue tokens, which are no JWTs.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::config::{AuthConfig, IssuerKey};
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;

/// How long a guest's access token is good for.
pub const GUEST_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The name of our own key's file in the data folder.
pub const KEY_FILE: &str = "token.key";

const KEY_BYTES: usize = 32;
/// Told apart by this from an external issuer's tokens, which may be signed with a secret too.
const OWN_KEY_ID: &str = "frontrow";
const OWN_ISSUER: &str = "frontrow";
const OPERATOR_ROLE: &str = "operator";
/// Longer than any sensible JWT, and short enough that many forged ones cost little.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// An issuer's clock may be ahead of ours by this much.
const NOT_BEFORE_LEEWAY_SECONDS: f64 = 60.0;

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A token of our own names the user.
    User(UserId),
    /// A token of our own that names no user: an operator's.
    Nobody,
    /// A person as an external issuer names them.
    External { issuer: String, subject: String },
}

/// A token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub subject: Subject,
    pub operator: bool,
}

/// Why a token is not good; the text may be shown to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the access token is not valid")]
    Invalid,
    #[error("the access token has expired")]
    Expired,
    #[error("the access token is not valid yet")]
    TooEarly,
    #[error("the access token has no `exp`")]
    WithoutEnd,
    #[error("the access token has no `sub`")]
    WithoutSubject,
}

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
    #[error("{path} is not a key of ours: it must have {KEY_BYTES} bytes in hexadecimal")]
    NotOurKey { path: PathBuf },
    #[error("{path} is a private key; `auth.pem_file` takes the public one")]
    Private { path: PathBuf },
    #[error("{path} is neither an RSA, a P-256 nor an Ed25519 public key in PEM")]
    NotAPublicKey { path: PathBuf },
    #[error("{path} is not a JSON Web Key Set")]
    NotAKeySet {
        path: PathBuf,
        #[source]
        cause: serde_json::Error,
    },
    #[error("{path} has no key for RS256, ES256 or EdDSA")]
    NoUsableKey { path: PathBuf },
}

/// Verifies and makes access tokens.
pub struct Auth {
    own: OwnKey,
    issuer: Option<Issuer>,
}

struct OwnKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

struct Issuer {
    keys: Vec<VerifyingKey>,
    required: Validation,
    operators: bool,
}

struct VerifyingKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<SubjectClaim>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iss: Option<String>,
    role: Option<serde_json::Value>,
}

/// A string by the standard; some issuers write a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum SubjectClaim {
    Text(String),
    Number(u64),
}

#[derive(Serialize)]
struct OwnClaims<'a> {
    iss: &'a str,
    sub: String,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

impl Auth {
    /// With the key in `data`, which is made if it is not there, and the configured issuer's.
    pub fn open(data: &Path, config: &AuthConfig) -> Result<Self, KeyError> {
        let secret = own_secret(data)?;
        let issuer = match &config.key {
            Some(key) => Some(Issuer::new(key, config)?),
            None => None,
        };
        Ok(Self::new(&secret, issuer))
    }

    fn new(secret: &[u8], issuer: Option<Issuer>) -> Self {
        let own =
            OwnKey { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) };
        Self { own, issuer }
    }

    /// A user's access token, good for `ttl` from `now`.
    pub fn mint_user(&self, user: UserId, now: Timestamp, ttl: Duration) -> String {
        self.mint(user.to_string(), None, now, ttl)
    }

    /// An operator's token, good for `ttl` from `now`.
    pub fn mint_operator(&self, now: Timestamp, ttl: Duration) -> String {
        self.mint(OPERATOR_ROLE.to_owned(), Some(OPERATOR_ROLE), now, ttl)
    }

    fn mint(&self, sub: String, role: Option<&str>, now: Timestamp, ttl: Duration) -> String {
        let iat = now.as_millis().div_euclid(1000);
        // Rounded up: a token that is good for a moment is good for that moment.
        let exp = (now + ttl).as_millis().saturating_add(999).div_euclid(1000);
        let header = Header { kid: Some(OWN_KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) };
        let claims = OwnClaims { iss: OWN_ISSUER, sub, iat, exp, role };
        jsonwebtoken::encode(&header, &claims, &self.own.encoding)
            .expect("an HS256 key of 32 bytes signs any claims")
    }

    /// Whose token it is at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        match &self.issuer {
            Some(issuer) if header.kid.as_deref() != Some(OWN_KEY_ID) => issuer.verify(token, &header, now),
            _ => self.verify_own(token, now),
        }
    }

    fn verify_own(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let claims = decode(token, &self.own.decoding, &signature_alone(Algorithm::HS256))?;
        claims.check_times(now)?;
        let operator = claims.is_operator();
        let subject = match claims.sub.ok_or(TokenError::WithoutSubject)?.into_text().parse() {
            Ok(user) => Subject::User(UserId(user)),
            Err(_) if operator => Subject::Nobody,
            Err(_) => return Err(TokenError::Invalid),
        };
        Ok(Verified { subject, operator })
    }
}

impl Issuer {
    fn new(key: &IssuerKey, config: &AuthConfig) -> Result<Self, KeyError> {
        let keys = match key {
            IssuerKey::Hs256Secret(secret) => vec![VerifyingKey {
                id: None,
                algorithm: Algorithm::HS256,
                key: DecodingKey::from_secret(secret.as_bytes()),
            }],
            IssuerKey::PemFile(path) => vec![key_of_pem(path)?],
            IssuerKey::JwksFile(path) => keys_of_set(path)?,
        };
        let mut required = signature_alone(Algorithm::HS256);
        let mut claims = Vec::new();
        if let Some(issuer) = &config.issuer {
            required.set_issuer(&[issuer]);
            claims.push("iss");
        }
        if let Some(audience) = &config.audience {
            required.validate_aud = true;
            required.set_audience(&[audience]);
            claims.push("aud");
        }
        // Without this, a claim that is absent would count as fitting.
        required.set_required_spec_claims(&claims);
        Ok(Self { keys, required, operators: config.operators })
    }

    fn verify(&self, token: &str, header: &Header, now: Timestamp) -> Result<Verified, TokenError> {
        let fits = |key: &&VerifyingKey| match (&key.id, &header.kid) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        let mut candidates = self.keys.iter().filter(fits).filter(|key| key.algorithm == header.alg);
        let claims = candidates
            .find_map(|key| {
                let mut required = self.required.clone();
                required.algorithms = vec![key.algorithm];
                decode(token, &key.key, &required).ok()
            })
            .ok_or(TokenError::Invalid)?;
        claims.check_times(now)?;
        let operator = self.operators && claims.is_operator();
        let issuer = claims.iss.unwrap_or_default();
        let subject = claims.sub.ok_or(TokenError::WithoutSubject)?.into_text();
        if subject.is_empty() {
            return Err(TokenError::WithoutSubject);
        }
        Ok(Verified { subject: Subject::External { issuer, subject }, operator })
    }
}

impl Claims {
    /// Here rather than in the JWT library, which asks the wall clock and is lenient about the end.
    fn check_times(&self, now: Timestamp) -> Result<(), TokenError> {
        let now = now.as_millis() as f64 / 1000.0;
        let end = self.exp.filter(|end| end.is_finite()).ok_or(TokenError::WithoutEnd)?;
        if end <= now {
            return Err(TokenError::Expired);
        }
        if self.nbf.is_some_and(|begin| begin > now + NOT_BEFORE_LEEWAY_SECONDS) {
            return Err(TokenError::TooEarly);
        }
        Ok(())
    }

    fn is_operator(&self) -> bool {
        self.role.as_ref().and_then(serde_json::Value::as_str) == Some(OPERATOR_ROLE)
    }
}

impl SubjectClaim {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// A validation of the signature by this algorithm and of nothing else.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

fn decode(token: &str, key: &DecodingKey, required: &Validation) -> Result<Claims, TokenError> {
    jsonwebtoken::decode(token, key, required).map(|data| data.claims).map_err(|_| TokenError::Invalid)
}

/// Reads our own key, or makes it. Two processes that begin at the same time get the same one.
fn own_secret(data: &Path) -> Result<Vec<u8>, KeyError> {
    let path = data.join(KEY_FILE);
    let failed = |doing| {
        let path = path.clone();
        move |cause| KeyError::File { doing, path, cause }
    };
    if !path.exists() {
        std::fs::create_dir_all(data).map_err(failed("make the folder of"))?;
        let secret: [u8; KEY_BYTES] = rand::rng().random();
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let draft = data.join(format!("{KEY_FILE}.{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
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
    let hex = std::fs::read_to_string(&path).map_err(failed("read"))?;
    let hex = hex.trim().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let secret: Option<Vec<u8>> = hex.chunks(2).map(byte).collect();
    secret.filter(|secret| secret.len() == KEY_BYTES).ok_or(KeyError::NotOurKey { path })
}

fn read_file(path: &Path) -> Result<Vec<u8>, KeyError> {
    std::fs::read(path).map_err(|cause| KeyError::File { doing: "read", path: path.to_owned(), cause })
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

fn keys_of_set(path: &Path) -> Result<Vec<VerifyingKey>, KeyError> {
    let set: JwkSet = serde_json::from_slice(&read_file(path)?)
        .map_err(|cause| KeyError::NotAKeySet { path: path.to_owned(), cause })?;
    let keys: Vec<_> = set.keys.iter().filter_map(key_of_jwk).collect();
    if keys.is_empty() {
        return Err(KeyError::NoUsableKey { path: path.to_owned() });
    }
    Ok(keys)
}

/// `None` for keys of other kinds and uses, which a set may have for others. Secrets are not taken from a set:
/// it is made to be public.
fn key_of_jwk(jwk: &Jwk) -> Option<VerifyingKey> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    // A set may reserve a key for another algorithm of the same kind, RS512 for instance.
    let reserved = jwk.common.key_algorithm.map(|name| name.to_string());
    let meant = format!("{algorithm:?}");
    if reserved.is_some_and(|name| name != meant) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(VerifyingKey { id: jwk.common.key_id.clone(), algorithm, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    // Keys made for these tests and used nowhere else.
    const RSA_PRIVATE: &str = include_str!("testdata/rsa.private.pem");
    const RSA_PUBLIC: &str = include_str!("testdata/rsa.public.pem");
    const EC_PRIVATE: &str = include_str!("testdata/ec.private.pem");
    const EC_PUBLIC: &str = include_str!("testdata/ec.public.pem");
    const ED_PRIVATE: &str = include_str!("testdata/ed.private.pem");
    const ED_PUBLIC: &str = include_str!("testdata/ed.public.pem");

    fn config(key: Option<IssuerKey>) -> AuthConfig {
        AuthConfig { key, issuer: None, audience: None, operators: true }
    }

    fn open(config: &AuthConfig) -> Auth {
        let folder = tempfile::tempdir().unwrap();
        Auth::open(folder.path(), config).unwrap()
    }

    fn with_pem(pem: &str) -> Result<Auth, KeyError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, pem).unwrap();
        Auth::open(folder.path(), &config(Some(IssuerKey::PemFile(path))))
    }

    fn signed(
        algorithm: Algorithm,
        key: &EncodingKey,
        kid: Option<&str>,
        claims: &serde_json::Value,
    ) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, key).unwrap()
    }

    fn external(issuer: &str, subject: &str) -> Subject {
        Subject::External { issuer: issuer.to_owned(), subject: subject.to_owned() }
    }

    fn subject(auth: &Auth, token: &str) -> Result<Subject, TokenError> {
        auth.verify(token, NOW).map(|verified| verified.subject)
    }

    #[test]
    fn our_own_token_is_good_until_its_end() {
        let auth = open(&config(None));
        let token = auth.mint_user(UserId(7), NOW, MINUTE);
        let verified = Verified { subject: Subject::User(UserId(7)), operator: false };
        assert_eq!(auth.verify(&token, NOW), Ok(verified.clone()));
        assert_eq!(auth.verify(&token, NOW + MINUTE - Duration::from_millis(1)), Ok(verified));
        assert_eq!(auth.verify(&token, NOW + MINUTE), Err(TokenError::Expired));
    }

    #[test]
    fn an_operators_token_says_so_and_names_no_user() {
        let auth = open(&config(None));
        let token = auth.mint_operator(NOW, MINUTE);
        assert_eq!(auth.verify(&token, NOW), Ok(Verified { subject: Subject::Nobody, operator: true }));
    }

    #[test]
    fn the_key_stays_and_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new").join("data");
        let first = Auth::open(&data, &config(None)).unwrap();
        let second = Auth::open(&data, &config(None)).unwrap();
        let token = first.mint_user(UserId(1), NOW, MINUTE);
        assert_eq!(subject(&second, &token), Ok(Subject::User(UserId(1))));
        assert_eq!(subject(&open(&config(None)), &token), Err(TokenError::Invalid), "another folder's key");
        let mode = std::fs::metadata(data.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
        std::fs::write(data.join(KEY_FILE), "short").unwrap();
        assert!(matches!(Auth::open(&data, &config(None)), Err(KeyError::NotOurKey { .. })));
    }

    #[test]
    fn what_is_no_good_token_is_refused() {
        let auth = open(&config(None));
        let good = auth.mint_user(UserId(7), NOW, MINUTE);
        let parts: Vec<_> = good.split('.').collect();
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.";
        for forged in [
            String::new(),
            "a.b.c".to_owned(),
            "x".repeat(100_000),
            unsigned.to_owned(),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], "eyJzdWIiOiI4IiwiZXhwIjo5OTk5OTk5OTk5fQ", parts[2]),
        ] {
            assert_eq!(subject(&auth, &forged), Err(TokenError::Invalid), "{forged:.40}");
        }
    }

    #[test]
    fn an_issuers_token_needs_an_end_and_a_subject() {
        let auth = open(&config(Some(IssuerKey::Hs256Secret("hush".to_owned()))));
        let key = EncodingKey::from_secret(b"hush");
        let second = NOW.as_millis() / 1000;
        for (claims, expected) in [
            (json!({"sub": "a", "exp": second + 1}), Ok(external("", "a"))),
            (json!({"sub": 5, "exp": second + 1, "iss": "i"}), Ok(external("i", "5"))),
            (json!({"sub": "a", "exp": second}), Err(TokenError::Expired)),
            (json!({"sub": "a"}), Err(TokenError::WithoutEnd)),
            (json!({"exp": second + 1}), Err(TokenError::WithoutSubject)),
            (json!({"sub": "", "exp": second + 1}), Err(TokenError::WithoutSubject)),
            (json!({"sub": "a", "exp": "never"}), Err(TokenError::Invalid)),
            (json!({"sub": "a", "exp": second + 99, "nbf": second + 30}), Ok(external("", "a"))),
            (json!({"sub": "a", "exp": second + 99, "nbf": second + 61}), Err(TokenError::TooEarly)),
        ] {
            let token = signed(Algorithm::HS256, &key, None, &claims);
            assert_eq!(subject(&auth, &token), expected, "{claims}");
        }
        let other = EncodingKey::from_secret(b"other");
        let token = signed(Algorithm::HS256, &other, None, &json!({"sub": "a", "exp": second + 1}));
        assert_eq!(subject(&auth, &token), Err(TokenError::Invalid));
        let own = auth.mint_user(UserId(7), NOW, MINUTE);
        assert_eq!(
            subject(&auth, &own),
            Ok(Subject::User(UserId(7))),
            "our own stay good beside an issuer's"
        );
    }

    #[test]
    fn issuer_and_audience_are_checked_when_they_are_set() {
        let auth = open(&AuthConfig {
            issuer: Some("https://id.example".to_owned()),
            audience: Some("frontrow".to_owned()),
            ..config(Some(IssuerKey::Hs256Secret("hush".to_owned())))
        });
        let key = EncodingKey::from_secret(b"hush");
        let exp = NOW.as_millis() / 1000 + 1;
        for (iss, aud, good) in [
            (json!("https://id.example"), json!("frontrow"), true),
            (json!("https://id.example"), json!(["x", "frontrow"]), true),
            (json!("https://id.example"), json!("x"), false),
            (json!("https://other.example"), json!("frontrow"), false),
            (json!(null), json!("frontrow"), false),
            (json!("https://id.example"), json!(null), false),
        ] {
            let mut claims = json!({"sub": "a", "exp": exp, "iss": iss, "aud": aud});
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let token = signed(Algorithm::HS256, &key, None, &claims);
            assert_eq!(subject(&auth, &token).is_ok(), good, "{claims}");
        }
    }

    #[test]
    fn a_pem_files_key_decides_the_algorithm() {
        let claims = json!({"sub": "a", "exp": NOW.as_millis() / 1000 + 1});
        let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
        let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
        let ed = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
        for (public, algorithm) in
            [(RSA_PUBLIC, Algorithm::RS256), (EC_PUBLIC, Algorithm::ES256), (ED_PUBLIC, Algorithm::EdDSA)]
        {
            let auth = with_pem(public).unwrap();
            for (used, key) in [(Algorithm::RS256, &rsa), (Algorithm::ES256, &ec), (Algorithm::EdDSA, &ed)] {
                let token = signed(used, key, None, &claims);
                assert_eq!(subject(&auth, &token).is_ok(), used == algorithm, "{used:?} for {algorithm:?}");
            }
            // The public key is known to all: it must not do as an HMAC secret.
            let confused =
                signed(Algorithm::HS256, &EncodingKey::from_secret(public.as_bytes()), None, &claims);
            assert_eq!(subject(&auth, &confused), Err(TokenError::Invalid));
        }
        assert!(matches!(with_pem(RSA_PRIVATE), Err(KeyError::Private { .. })));
        assert!(matches!(with_pem("nothing"), Err(KeyError::NotAPublicKey { .. })));
    }

    #[test]
    fn a_key_set_is_searched_by_key_id() {
        let ed = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
        let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
        let jwk = |key: &EncodingKey, algorithm, kid: &str| {
            let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
            jwk.common.key_id = Some(kid.to_owned());
            jwk
        };
        let symmetric = Jwk::from_encoding_key(&EncodingKey::from_secret(b"hush"), Algorithm::HS256).unwrap();
        let keys = [jwk(&ed, Algorithm::EdDSA, "ed"), jwk(&ec, Algorithm::ES256, "ec"), symmetric];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let write = |value: &serde_json::Value| std::fs::write(&path, value.to_string()).unwrap();
        let auth_config = config(Some(IssuerKey::JwksFile(path.clone())));
        write(&json!({"keys": keys}));
        let auth = Auth::open(folder.path(), &auth_config).unwrap();
        let claims = json!({"sub": "a", "exp": NOW.as_millis() / 1000 + 1});
        for (algorithm, key, kid, good) in [
            (Algorithm::EdDSA, &ed, Some("ed"), true),
            (Algorithm::ES256, &ec, Some("ec"), true),
            (Algorithm::ES256, &ec, None, true),
            (Algorithm::ES256, &ec, Some("ed"), false),
            (Algorithm::ES256, &ec, Some("unknown"), false),
            (Algorithm::HS256, &EncodingKey::from_secret(b"hush"), None, false),
        ] {
            let token = signed(algorithm, key, kid, &claims);
            assert_eq!(subject(&auth, &token).is_ok(), good, "{algorithm:?} {kid:?}");
        }
        write(&json!({"keys": [keys[2]]}));
        assert!(matches!(Auth::open(folder.path(), &auth_config), Err(KeyError::NoUsableKey { .. })));
        write(&json!([]));
        assert!(matches!(Auth::open(folder.path(), &auth_config), Err(KeyError::NotAKeySet { .. })));
    }

    #[test]
    fn an_issuers_operators_count_where_they_are_trusted() {
        let key = EncodingKey::from_secret(b"hush");
        for (trusted, role, operator) in
            [(true, "operator", true), (true, "admin", false), (false, "operator", false)]
        {
            let secret = Some(IssuerKey::Hs256Secret("hush".to_owned()));
            let auth = open(&AuthConfig { operators: trusted, ..config(secret) });
            let claims = json!({"sub": "a", "role": role, "exp": NOW.as_millis() / 1000 + 1});
            let token = signed(Algorithm::HS256, &key, None, &claims);
            assert_eq!(auth.verify(&token, NOW).unwrap().operator, operator);
        }
    }
}
