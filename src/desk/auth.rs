//! Access tokens: whose they are, and making our own.
//!
//! Two kinds of keys exist. Our own is a secret in the data folder, made once, for guests, `frontrow token` and
//! operators. An external issuer's comes from the configuration. Always: the key decides which algorithm a token
//! may use, never the token; a token without an end is refused; no token is ever logged; the sender of a token that
//! is refused learns little, the log which check failed. Not here: users, whom `identity` finds, and queue tokens,
//! which are no JWTs.

mod keys;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontrow_protocol::{Role, RoleSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::AuthConfig;
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::limits::{SUBJECT_BYTES_MAX, TOKEN_BYTES_MAX};

use super::rate::{Meter, Rate};
use keys::{IssuerKeys, VerifyingKey};
pub use keys::{KEY_FILE, KeyError};

/// The claim that distinguishes them from an external issuer's tokens, which may be signed with a secret too.
const OWN_KEY_ID: &str = "frontrow";
const OWN_ISSUER: &str = "frontrow";
/// The word of before there were several roles: an owner's.
const OPERATOR_ROLE: &str = "operator";
const OWN_ROLE_CLAIM: &str = "role";
/// An issuer's clock may be ahead of ours by this much.
const NOT_BEFORE_LEEWAY_SECONDS: f64 = 60.0;
/// No token is good for longer than time can be written: the end of the year 9999, in seconds.
const END_SECONDS_MAX: f64 = 253_402_300_799.0;
/// The length to which the log quotes what was found: it comes from a stranger.
const FOUND_CHARS_MAX: usize = 80;
/// Lines of the log about refused tokens: enough to see what a new issuer does wrong, few enough that strangers
/// cannot fill a disk.
const REFUSALS_LOGGED: Rate = Rate::new(1, 20);

/// The owner of a token.
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
    /// What it lets an operator do; nobody's roles are a fan's.
    pub roles: RoleSet,
    /// UTC: from then on it is good no longer.
    pub ends_at: Timestamp,
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
    #[error("the access token's issuer or subject has more than {SUBJECT_BYTES_MAX} bytes")]
    SubjectTooLong,
}

/// A refusal as the log has it: which check failed, and what was found.
#[derive(Debug)]
struct Fault {
    error: TokenError,
    check: &'static str,
    found: String,
}

impl Fault {
    fn new(error: TokenError, check: &'static str, found: impl std::fmt::Display) -> Self {
        let found = found.to_string();
        // Escaped by whoever prints it; cut here, because a stranger decides how long it is.
        let found = match found.char_indices().nth(FOUND_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &found[..end]),
            None => found,
        };
        Self { error, check, found }
    }

    fn invalid(check: &'static str, found: impl std::fmt::Display) -> Self {
        Self::new(TokenError::Invalid, check, found)
    }
}

/// Verifies and makes access tokens.
pub struct Auth {
    own: OwnKey,
    issuer: Option<Issuer>,
    refusals: Mutex<Refusals>,
}

struct OwnKey {
    encoding: EncodingKey,
    decoding: VerifyingKey,
}

struct Issuer {
    keys: IssuerKeys,
    /// The `iss` that a token must have.
    name: Option<String>,
    /// The `aud` that a token must have or contain.
    audience: Option<String>,
    operators: bool,
    role_claim: String,
    subject_claim: String,
}

/// The count of what was logged lately.
#[derive(Default)]
struct Refusals {
    logged: Meter,
    unlogged: u64,
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
    /// Opens the key in `data`, which is made if it is not there, and the configured issuer's.
    pub fn open(data: &Path, config: &AuthConfig) -> Result<Self, KeyError> {
        let secret = keys::own_secret(data)?;
        let own = OwnKey {
            encoding: EncodingKey::from_secret(&secret),
            decoding: VerifyingKey::of_secret(&secret),
        };
        let issuer = match &config.key {
            Some(key) => Some(Issuer {
                keys: IssuerKeys::open(key)?,
                name: config.issuer.clone(),
                audience: config.audience.clone(),
                operators: config.operators,
                role_claim: config.role_claim.clone(),
                subject_claim: config.subject_claim.clone(),
            }),
            None => None,
        };
        Ok(Self { own, issuer, refusals: Mutex::default() })
    }

    /// Looks whether the issuer's key file is another one by now, and takes its keys. A file that cannot be used is
    /// warned of, once, and the keys of before are kept.
    pub fn reread_keys(&self) {
        if let Some(issuer) = &self.issuer {
            issuer.keys.reread();
        }
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

    /// A text of our own that comes back to us, signed. It has a colon, which no part of a token has, so that neither is ever
    /// taken for the other.
    pub fn sign(&self, text: &str) -> String {
        debug_assert!(text.contains(':') && !text.contains('.'), "no token looks so");
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &self.own.encoding, Algorithm::HS256);
        let signature = signature.expect("an HS256 key of 32 bytes signs any text");
        format!("{text}.{signature}")
    }

    /// The text, if it was signed by us.
    pub fn signed<'a>(&self, signed: &'a str) -> Option<&'a str> {
        let (text, signature) = signed.rsplit_once('.').filter(|(text, _)| text.contains(':'))?;
        let key = &self.own.decoding;
        let is_ours = jsonwebtoken::crypto::verify(signature, text.as_bytes(), &key.key, Algorithm::HS256);
        is_ours.unwrap_or(false).then_some(text)
    }

    /// The owner of a token at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        self.judge(token, now).map_err(|fault| {
            self.log(&fault, now);
            fault.error
        })
    }

    fn judge(&self, token: &str, now: Timestamp) -> Result<Verified, Fault> {
        let token = Signed::read(token)?;
        match &self.issuer {
            Some(issuer) if token.key_id() != Some(OWN_KEY_ID) => issuer.verify(&token, now),
            _ => self.verify_own(&token, now),
        }
    }

    fn verify_own(&self, token: &Signed<'_>, now: Timestamp) -> Result<Verified, Fault> {
        if !token.is_signed_with(&self.own.decoding) {
            let kid = token.key_id().unwrap_or("none");
            return Err(Fault::invalid("signature by our own key", format!("kid {kid}")));
        }
        let claims = token.claims()?;
        let ends_at = claims.end_after(now)?;
        // No other role is given by tokens of our own: whoever has one has a session.
        let roles = match claims.names(OWN_ROLE_CLAIM, OPERATOR_ROLE) {
            true => RoleSet::of(&[Role::Owner]),
            false => RoleSet::NONE,
        };
        let subject = match claims.subject("sub")?.parse() {
            Ok(user) => Subject::User(UserId(user)),
            Err(_) if !roles.is_empty() => Subject::Nobody,
            Err(_) => return Err(Fault::invalid("sub", "not the number of a user")),
        };
        Ok(Verified { subject, roles, ends_at })
    }

    fn log(&self, fault: &Fault, now: Timestamp) {
        let mut refusals = self.refusals.lock();
        if refusals.logged.take(now, REFUSALS_LOGGED).is_err() {
            refusals.unlogged += 1;
            return;
        }
        let unlogged = std::mem::take(&mut refusals.unlogged);
        drop(refusals);
        tracing::info!(check = fault.check, found = ?fault.found, unlogged, "an access token was refused");
    }
}

impl Issuer {
    fn verify(&self, token: &Signed<'_>, now: Timestamp) -> Result<Verified, Fault> {
        let keys = self.keys.current();
        let fits = |key: &&VerifyingKey| match (&key.id, token.key_id()) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        let mut named = keys.iter().filter(fits).peekable();
        if named.peek().is_none() {
            return Err(Fault::invalid("kid", token.key_id().unwrap_or("none")));
        }
        let mut usable = named.filter(|key| token.is_meant_for(key)).peekable();
        if usable.peek().is_none() {
            return Err(Fault::invalid("alg", token.algorithm()));
        }
        if !usable.any(|key| token.is_signed_with(key)) {
            let kid = token.key_id().unwrap_or("none");
            return Err(Fault::invalid("signature", format!("alg {}, kid {kid}", token.algorithm())));
        }
        let claims = token.claims()?;
        let issuer = claims.text("iss").unwrap_or_default();
        if self.name.as_ref().is_some_and(|name| *name != issuer) {
            return Err(Fault::invalid("iss", if issuer.is_empty() { "none" } else { issuer }));
        }
        if let Some(audience) = &self.audience
            && !claims.names("aud", audience)
        {
            return Err(Fault::invalid("aud", claims.shown("aud")));
        }
        let ends_at = claims.end_after(now)?;
        let roles = if self.operators { claims.roles(&self.role_claim) } else { RoleSet::NONE };
        let subject = claims.subject(&self.subject_claim)?;
        // Names that no store can keep are refused here, where it is the token's fault and not the store's.
        for (check, text) in [("iss", issuer), ("sub", &*subject)] {
            if text.len() > SUBJECT_BYTES_MAX {
                let found = format!("{} bytes", text.len());
                return Err(Fault::new(TokenError::SubjectTooLong, check, found));
            }
            if text.contains(char::is_control) {
                return Err(Fault::invalid(check, "a control character"));
            }
        }
        let subject = Subject::External { issuer: issuer.to_owned(), subject };
        Ok(Verified { subject, roles, ends_at })
    }
}

/// A token in its three parts, its header read; nothing of it is believed yet.
struct Signed<'a> {
    header: Map<String, Value>,
    /// The text that is signed: header and claims as they came.
    message: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    fn read(token: &'a str) -> Result<Self, Fault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Fault::invalid("length", format!("{} bytes", token.len())));
        }
        let parts = || {
            let (message, signature) = token.rsplit_once('.')?;
            let (header, claims) = message.split_once('.')?;
            (!claims.contains('.')).then_some((message, header, claims, signature))
        };
        let (message, header, claims, signature) =
            parts().ok_or_else(|| Fault::invalid("form", "not three parts with dots between them"))?;
        let header =
            object(header).ok_or_else(|| Fault::invalid("header", "not a JSON object in base64url"))?;
        let token = Self { header, message, claims, signature };
        // A header that names something critical asks all who do not know it to refuse the token (RFC 7515, 4.1.11).
        if let Some(critical) = token.header.get("crit") {
            return Err(Fault::invalid("crit", critical));
        }
        // A token of another kind says so (RFC 8725, 3.11): a proof of possession, a logout, an event.
        if let Some(kind) = token.header.get("typ") {
            let kind = kind.as_str().unwrap_or_default().to_ascii_lowercase();
            let kind = kind.strip_prefix("application/").unwrap_or(&kind);
            if kind.ends_with("+jwt") && kind != "at+jwt" {
                return Err(Fault::invalid("typ", kind));
            }
        }
        Ok(token)
    }

    fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or("none")
    }

    fn is_meant_for(&self, key: &VerifyingKey) -> bool {
        keys::algorithm(self.algorithm()) == Some(key.algorithm)
    }

    fn is_signed_with(&self, key: &VerifyingKey) -> bool {
        let message = self.message.as_bytes();
        self.is_meant_for(key)
            && jsonwebtoken::crypto::verify(self.signature, message, &key.key, key.algorithm).unwrap_or(false)
    }

    fn claims(&self) -> Result<Claims, Fault> {
        object(self.claims)
            .map(Claims)
            .ok_or_else(|| Fault::invalid("claims", "not a JSON object in base64url"))
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The claims of a signed token.
struct Claims(Map<String, Value>);

impl Claims {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The claim as the log may show it.
    fn shown(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| "none".to_owned(), Value::to_string)
    }

    /// Is the claim this text, or a list with it?
    fn names(&self, path: &str, wanted: &str) -> bool {
        match claim(&self.0, path) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Array(list)) => list.iter().any(|entry| entry.as_str() == Some(wanted)),
            _ => false,
        }
    }

    /// Those of an operator's roles that the claim names; other words mean nothing here.
    fn roles(&self, path: &str) -> RoleSet {
        let named = Role::ALL.iter().copied().filter(|role| self.names(path, role.as_str()));
        let before = self.names(path, OPERATOR_ROLE).then_some(Role::Owner);
        named.chain(before).collect()
    }

    /// A string by the standard; some issuers write a number.
    fn subject(&self, path: &str) -> Result<String, Fault> {
        let subject = match claim(&self.0, path) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_u64() => number.to_string(),
            None => String::new(),
            Some(_) => return Err(Fault::invalid("sub", "neither a text nor a whole number")),
        };
        match subject.is_empty() {
            true => Err(Fault::new(TokenError::WithoutSubject, "sub", format!("nothing at `{path}`"))),
            false => Ok(subject),
        }
    }

    /// The token's end, if it is good at `now`. Here rather than in the JWT library, which asks the wall clock and
    /// is lenient about the end.
    fn end_after(&self, now: Timestamp) -> Result<Timestamp, Fault> {
        let number = |name| match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64().filter(|number| number.is_finite()) {
                Some(number) => Ok(Some(number)),
                None => Err(Fault::invalid(name, value)),
            },
        };
        let seconds = now.as_millis() as f64 / 1000.0;
        let end = number("exp")?.ok_or_else(|| Fault::new(TokenError::WithoutEnd, "exp", "none"))?;
        if end <= seconds {
            let ago = seconds - end;
            return Err(Fault::new(TokenError::Expired, "exp", format!("{end}, {ago:.0} s ago")));
        }
        if let Some(begin) = number("nbf")?.filter(|begin| *begin > seconds + NOT_BEFORE_LEEWAY_SECONDS) {
            let ahead = begin - seconds;
            return Err(Fault::new(TokenError::TooEarly, "nbf", format!("{begin}, in {ahead:.0} s")));
        }
        Ok(Timestamp::from_millis((end.min(END_SECONDS_MAX) * 1000.0) as i64))
    }
}

/// The claim of this name, or the one that lies along its dots: `realm_access.roles`. A name that has dots itself,
/// an address for instance, is found as it is.
fn claim<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    claims.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let inner = claims.get(&path[..dot])?.as_object()?;
            claim(inner, &path[dot + 1..])
        })
    })
}

#[cfg(test)]
mod tests;
