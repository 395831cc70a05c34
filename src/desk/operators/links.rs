//! Links that sign an operator in once, and the session that comes of one, or of a passkey.
//!
//! Always: a secret has 256 bits, is told once, and only its hash is kept. It stands behind the `#` of a link, so that no log
//! of a proxy and no preview of a messenger has it or spends it. Not here: who may make one.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontrow_protocol::ErrorObject;
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::desk::Context;
use crate::store::operators::{NewSession, SecretHash, SessionRecord};
use crate::store::passkeys::{Ceremony, PasskeyKey};

/// The beginning of a session's token, by which whoever finds one knows what it is.
pub const TOKEN_PREFIX: &str = "fro_";
/// What stands before a link's secret.
const IN: &str = "/console/#/in/";
/// 32 bytes in base64.
const SECRET_CHARS: usize = 43;

/// A secret that was just made.
pub struct Secret {
    text: String,
}

impl Secret {
    pub fn random() -> Self {
        Self { text: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()) }
    }

    pub fn hash(&self) -> SecretHash {
        hash_of(&self.text)
    }

    /// The link that has it.
    pub fn link(&self, base_url: &str) -> String {
        format!("{base_url}{IN}{}", self.text)
    }

    /// The session's token that it is.
    fn token(&self) -> String {
        format!("{TOKEN_PREFIX}{}", self.text)
    }
}

fn hash_of(secret: &str) -> SecretHash {
    Sha256::digest(secret).into()
}

/// The hash of what has the form of a secret.
fn read(text: &str) -> Option<SecretHash> {
    let is_of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (text.len() == SECRET_CHARS && text.bytes().all(is_of_base64)).then(|| hash_of(text))
}

/// The hash of a session's token. `None`: it is none.
pub fn hash_of_token(token: &str) -> Option<SecretHash> {
    token.strip_prefix(TOKEN_PREFIX).and_then(read)
}

/// The hash of a link's secret, by the whole link or by what is behind its `#/in/`.
fn hash_of_link(link: &str) -> Option<SecretHash> {
    read(link.rsplit_once(IN).map_or(link, |(_, secret)| secret))
}

/// Where operators find the console, as far as settings say it.
pub fn base_url(config: &Config) -> String {
    match &config.admin_base_url {
        Some(url) => url.clone(),
        None => listening_at(config.admin_listen.unwrap_or(config.listen), config.tls.cert.is_some()),
    }
}

/// Where somebody on this machine finds a server that listens there.
pub fn listening_at(address: SocketAddr, is_secure: bool) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    match address.ip().is_unspecified() {
        true => format!("{scheme}://localhost:{}", address.port()),
        false => format!("{scheme}://{address}"),
    }
}

impl Context {
    /// Spends a link: the token of a new session, and the session.
    pub async fn sign_in(
        &self,
        link: &str,
        client: IpAddr,
        device: Option<String>,
    ) -> Result<(String, SessionRecord), ErrorObject> {
        let link = hash_of_link(link).ok_or_else(ErrorObject::link_spent)?;
        let (now, secret) = (self.clock.utc(), Secret::random());
        let expires_at = self.sessions.expires_at(now, now);
        let new = NewSession { secret: secret.hash(), expires_at, device };
        let from = client.to_string();
        let begun = self.change(self.operators()?.sign_in(link, &new, &from, now)).await?;
        let session = begun.ok_or_else(ErrorObject::link_spent)?;
        // The oldest one may have ended for it.
        self.sessions.changed();
        Ok((secret.token(), session))
    }

    /// Spends a ceremony that this passkey finished: the token of a new session, and the session. `None`: it was finished
    /// before, or the passkey's operator may not come in.
    pub async fn sign_in_by_passkey(
        &self,
        used: &PasskeyKey,
        ceremony: Ceremony,
        client: IpAddr,
        device: Option<String>,
    ) -> Result<Option<(String, SessionRecord)>, ErrorObject> {
        let (now, secret) = (self.clock.utc(), Secret::random());
        let new =
            NewSession { secret: secret.hash(), expires_at: self.sessions.expires_at(now, now), device };
        let from = client.to_string();
        let begun = self.passkeys()?.sign_in_by_passkey(used, ceremony, &new, &from, now);
        let begun = self.change(begun).await?;
        self.sessions.changed();
        Ok(begun.map(|session| (secret.token(), session)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_again_by_its_link_and_by_its_token() {
        let (secret, other) = (Secret::random(), Secret::random());
        let link = secret.link("https://tickets.example/desk");
        assert!(link.starts_with("https://tickets.example/desk/console/#/in/"));
        assert_eq!(hash_of_link(&link), Some(secret.hash()));
        assert_eq!(hash_of_link(&secret.text), Some(secret.hash()));
        assert_eq!(hash_of_token(&secret.token()), Some(secret.hash()));
        assert_ne!(secret.hash(), other.hash());
    }

    #[test]
    fn what_has_not_the_form_of_a_secret_is_none() {
        let good = Secret::random().text;
        let (long, strange) = (format!("{good}A"), format!("{}=", &good[1..]));
        let (huge, wide) = ("A".repeat(1 << 20), "ä".repeat(21));
        for text in ["", "x", &*long, &*strange, &good[1..], &*huge, &*wide] {
            assert_eq!(hash_of_link(text), None);
            assert_eq!(hash_of_token(&format!("{TOKEN_PREFIX}{text}")), None);
        }
        assert_eq!(hash_of_token(&good), None, "a link's secret is no token");
    }

    #[test]
    fn a_link_begins_where_the_console_is() {
        let mut config = Config { listen: "0.0.0.0:8080".parse().unwrap(), ..Config::default() };
        assert_eq!(base_url(&config), "http://localhost:8080");
        config.admin_listen = Some("[::1]:9090".parse().unwrap());
        assert_eq!(base_url(&config), "http://[::1]:9090");
        config.admin_base_url = Some("https://tickets.example".to_owned());
        assert_eq!(base_url(&config), "https://tickets.example");
    }
}
