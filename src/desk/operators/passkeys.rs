//! Passkeys: the two ceremonies of WebAuthn, as far as an operator needs them, and what is believed of a browser's answer.
//!
//! Always: a ceremony is good once, for its purpose, for five minutes, and any server with the same key may finish it; until
//! somebody proves to have a passkey, nothing is written for strangers. A passkey signs in at the host that it was made for,
//! by somebody whom the authenticator knew (a finger, a face, a PIN). Not asked: who made the authenticator (attestation
//! `none`), as operators bring their own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontrow_protocol::ops::passkeys::{Assertion, PasskeyChallenge, Registration};
use frontrow_protocol::{ErrorObject, limits::PASSKEYS_MAX};
use hyper::Uri;
use ring::signature;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::desk::auth::Auth;
use crate::domain::ids::OperatorId;
use crate::domain::time::Timestamp;
use crate::limits::PASSKEY_CEREMONY_TTL;
use crate::store::operators::OperatorRecord;
use crate::store::passkeys::{Ceremony, PasskeyKey};

/// COSE's numbers of the algorithms: ES256, and RS256, which older Windows Hello alone knows.
const ALGORITHMS: [i32; 2] = [-7, -257];
/// Flags of the authenticator's data: somebody was there, and was known; a new credential follows.
const PRESENT_AND_KNOWN: u8 = 0x05;
const HAS_CREDENTIAL: u8 = 0x40;
/// Bytes of the authenticator's data before the credential: a hash, flags, a counter.
const HEAD: usize = 37;
/// Bytes of a credential before its id: the kind of authenticator, and the id's length.
const CREDENTIAL_HEAD: usize = 18;
/// The longest id of a credential.
const CREDENTIAL_BYTES_MAX: usize = 1_023;

/// A key of P-256 in CTAP2's canonical form, the only one that WebAuthn allows: a map of kind, algorithm and curve, then x.
const ES256: &[u8] = &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const ES256_Y: &[u8] = &[0x22, 0x58, 0x20];
/// An RSA key: kind and algorithm, then a modulus whose length has two bytes, and an exponent of three.
const RS256: &[u8] = &[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59];
const RS256_E: &[u8] = &[0x21, 0x43];

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new passkey of this operator's.
    Add(OperatorId),
    SignIn,
}

/// The site that operators see in their browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    origin: String,
    host: String,
}

/// What a browser says that it made, and that is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub credential: Vec<u8>,
    pub key: Vec<u8>,
    pub count: u32,
}

/// Why a browser's answer is not believed. The text may be shown to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("`{0}` cannot be read")]
    Unreadable(&'static str),
    #[error("it was made for something else")]
    OtherCeremony,
    #[error("it was made for another address than the one at which this server is open")]
    OtherSite,
    #[error("the authenticator did not look who was there")]
    Unknown,
    #[error("its key is neither an ES256 nor an RS256 one")]
    OtherKey,
    #[error("its signature is not that of the passkey")]
    WrongSignature,
    #[error("it was used more often elsewhere: there may be a copy of it")]
    Copied,
}

impl Site {
    /// `None`: passkeys are for names, and an address is none.
    pub fn of(url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        let (scheme, host) = (url.scheme_str()?, url.host()?);
        if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
            return None;
        }
        let host = host.to_ascii_lowercase();
        // Browsers leave a scheme's own port out.
        let port = match (scheme, url.port_u16()) {
            (_, None) | ("https", Some(443)) | ("http", Some(80)) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        Some(Self { origin: format!("{scheme}://{host}{port}"), host })
    }
}

/// A ceremony that begins now. Its challenge is its hash: so a browser signs all that it says.
pub fn begin(auth: &Auth, purpose: Purpose, now: Timestamp) -> String {
    let ends_at = (now + PASSKEY_CEREMONY_TTL).as_millis();
    let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
    auth.sign(&format!("{}:{ends_at}:{nonce}", purpose.word()))
}

/// The ceremony, if it is one of ours for this purpose, and not over.
pub fn resume(auth: &Auth, ceremony: &str, purpose: Purpose, now: Timestamp) -> Option<Ceremony> {
    let said = auth.signed(ceremony)?.strip_prefix(&purpose.word())?.strip_prefix(':')?;
    let ends_at = Timestamp::from_millis(said.split_once(':')?.0.parse().ok()?);
    (now < ends_at).then(|| Ceremony { challenge: challenge(ceremony), ends_at })
}

fn challenge(ceremony: &str) -> [u8; 32] {
    Sha256::digest(ceremony).into()
}

impl Purpose {
    fn word(self) -> String {
        match self {
            Self::Add(operator) => format!("passkey:add:{operator}"),
            Self::SignIn => "passkey:sign_in:0".to_owned(),
        }
    }
}

/// What a browser needs to make a passkey. It makes none on an authenticator that has one of `known`.
pub fn creation(
    ceremony: String,
    site: &Site,
    operator: &OperatorRecord,
    known: &[Vec<u8>],
) -> PasskeyChallenge {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let known: Vec<_> = known.iter().map(|id| json!({"type": "public-key", "id": encode(id)})).collect();
    let options = json!({
        "rp": {"id": site.host, "name": "Frontrow"},
        "user": {
            "id": encode(operator.id.to_string().as_bytes()),
            "name": operator.name,
            "displayName": operator.name,
        },
        "challenge": encode(&challenge(&ceremony)),
        "pubKeyCredParams": ALGORITHMS.map(|alg| json!({"type": "public-key", "alg": alg})),
        "timeout": PASSKEY_CEREMONY_TTL.as_millis() as u64,
        "excludeCredentials": known,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
    });
    PasskeyChallenge { ceremony, public_key: object(options) }
}

/// What a browser needs to sign in by any passkey that it has for the site.
pub fn request(ceremony: String, site: &Site) -> PasskeyChallenge {
    let options = json!({
        "rpId": site.host,
        "challenge": URL_SAFE_NO_PAD.encode(challenge(&ceremony)),
        "timeout": PASSKEY_CEREMONY_TTL.as_millis() as u64,
        "allowCredentials": [],
        "userVerification": "required",
    });
    PasskeyChallenge { ceremony, public_key: object(options) }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The passkey that a browser made.
pub fn registered(made: &Registration, ceremony: &Ceremony, site: &Site) -> Result<Registered, Fault> {
    let client_data = decode("clientDataJSON", &made.response.client_data)?;
    check_client(&client_data, "webauthn.create", ceremony, site)?;
    let data = decode("authenticatorData", &made.response.authenticator_data)?;
    let (flags, count) = check_authenticator(&data, site)?;
    let unreadable = Fault::Unreadable("authenticatorData");
    let rest =
        data.get(HEAD + CREDENTIAL_HEAD..).filter(|_| flags & HAS_CREDENTIAL != 0).ok_or(unreadable)?;
    let length = &data[HEAD + CREDENTIAL_HEAD - 2..HEAD + CREDENTIAL_HEAD];
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if length == 0 || length > CREDENTIAL_BYTES_MAX {
        return Err(unreadable);
    }
    let (credential, key) = rest.split_at_checked(length).ok_or(unreadable)?;
    let (_, key_bytes) = Key::read(key).ok_or(Fault::OtherKey)?;
    Ok(Registered { credential: credential.to_vec(), key: key[..key_bytes].to_vec(), count })
}

/// The id of the passkey that a browser says it used.
pub fn credential_of(assertion: &Assertion) -> Result<Vec<u8>, Fault> {
    let id = decode("rawId", &assertion.raw_id)?;
    match id.len() {
        1..=CREDENTIAL_BYTES_MAX => Ok(id),
        _ => Err(Fault::Unreadable("rawId")),
    }
}

/// Was it this passkey? Its counter, which the next one has to be above.
pub fn asserted(
    assertion: &Assertion,
    passkey: &PasskeyKey,
    ceremony: &Ceremony,
    site: &Site,
) -> Result<u32, Fault> {
    let client_data = decode("clientDataJSON", &assertion.response.client_data)?;
    check_client(&client_data, "webauthn.get", ceremony, site)?;
    let mut message = decode("authenticatorData", &assertion.response.authenticator_data)?;
    let (_, count) = check_authenticator(&message, site)?;
    message.extend(Sha256::digest(&client_data));
    let signature = decode("signature", &assertion.response.signature)?;
    let (key, _) = Key::read(&passkey.key).ok_or(Fault::OtherKey)?;
    if !key.signed(&message, &signature) {
        return Err(Fault::WrongSignature);
    }
    // Authenticators that do not count say zero for ever.
    match (passkey.count, count) {
        (0, 0) => Ok(0),
        (before, now) if before < now => Ok(now),
        _ => Err(Fault::Copied),
    }
}

fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Fault::Unreadable(what))
}

/// What the browser itself says of the ceremony.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

fn check_client(bytes: &[u8], r#type: &str, ceremony: &Ceremony, site: &Site) -> Result<(), Fault> {
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| Fault::Unreadable("clientDataJSON"))?;
    if said.r#type != r#type || said.challenge != URL_SAFE_NO_PAD.encode(ceremony.challenge) {
        return Err(Fault::OtherCeremony);
    }
    match said.origin == site.origin && !said.cross_origin {
        true => Ok(()),
        false => Err(Fault::OtherSite),
    }
}

/// The flags and the counter of the authenticator's data.
fn check_authenticator(data: &[u8], site: &Site) -> Result<(u8, u32), Fault> {
    let head: &[u8; HEAD] = data.first_chunk().ok_or(Fault::Unreadable("authenticatorData"))?;
    if head[..32] != *Sha256::digest(&site.host) {
        return Err(Fault::OtherSite);
    }
    if head[32] & PRESENT_AND_KNOWN != PRESENT_AND_KNOWN {
        return Err(Fault::Unknown);
    }
    Ok((head[32], u32::from_be_bytes([head[33], head[34], head[35], head[36]])))
}

/// A passkey's public key.
enum Key<'a> {
    /// A point, uncompressed.
    Es256(Vec<u8>),
    Rs256 {
        n: &'a [u8],
        e: &'a [u8],
    },
}

impl<'a> Key<'a> {
    /// The key at the beginning of these bytes, and how many they are.
    fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let all = bytes.len();
        if let Some(rest) = bytes.strip_prefix(ES256) {
            let (x, rest) = rest.split_at_checked(32)?;
            let (y, rest) = rest.strip_prefix(ES256_Y)?.split_at_checked(32)?;
            return Some((Self::Es256([&[0x04], x, y].concat()), all - rest.len()));
        }
        let (length, rest) = bytes.strip_prefix(RS256)?.split_first_chunk()?;
        let (n, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (e, rest) = rest.strip_prefix(RS256_E)?.split_at_checked(3)?;
        Some((Self::Rs256 { n, e }, all - rest.len()))
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => {
                let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point);
                key.verify(message, signature).is_ok()
            }
            Self::Rs256 { n, e } => {
                let key = signature::RsaPublicKeyComponents { n, e };
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}

/// What somebody is told who may have no more of them.
pub fn too_many() -> ErrorObject {
    let problem = format!("there are {PASSKEYS_MAX} passkeys already: remove one before");
    ErrorObject::invalid_params(None, &problem)
}

#[cfg(test)]
mod tests;
