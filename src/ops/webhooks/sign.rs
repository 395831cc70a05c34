//! Signatures of what is sent, as Standard Webhooks has them (standardwebhooks.com): HMAC-SHA256 of the message's id, the time
//! and the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// As long as the hash.
pub const SECRET_BYTES: usize = 32;
const SECRET_PREFIX: &str = "whsec_";

/// A secret that nobody else has.
pub fn new_secret() -> [u8; SECRET_BYTES] {
    rand::random()
}

/// A secret as its receiver is told it.
pub fn told(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret))
}

/// The signatures by each of these secrets, as one header has them. `seconds` are those since 1970.
pub fn signatures<'s>(secrets: impl Iterator<Item = &'s [u8]>, id: &str, seconds: i64, body: &str) -> String {
    let signed = format!("{id}.{seconds}.{body}");
    let each = secrets.map(|secret| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    });
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries test with.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("plJ3nmyCDGBKInavdOK15jsl").unwrap();
        let body = r#"{"event_type":"ping","data":{"success":true}}"#;
        let sign = |secrets: &[&[u8]]| {
            signatures(secrets.iter().copied(), "msg_loFOjxBNrRLzqYUf", 1_731_705_121, body)
        };
        let expected = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";
        assert_eq!(sign(&[&secret]), expected);
        // While a secret is exchanged, both sign.
        let both = sign(&[b"another secret", &secret]);
        assert_eq!(both.split(' ').nth(1), Some(expected));
        assert_eq!(told(&secret), "whsec_plJ3nmyCDGBKInavdOK15jsl");
    }
}
