//! The web pages that may talk to us. A browser says where a page is from; other clients say nothing, and may.

use frontrow_protocol::ErrorObject;
use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

/// The part of a header that a refusal repeats: a name of the longest kind, and a port.
const SHOWN_MAX: usize = 260;

/// The meaning of an `Origin` for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// None was sent, or it is our own.
    Ours,
    /// One of `allowed_origins`: its page may read our answers.
    Allowed(String),
    /// Somebody else's page.
    Foreign,
}

impl Origin {
    pub fn of(headers: &HeaderMap, allowed: &[String]) -> Self {
        let Some(origin) = headers.get(ORIGIN) else { return Self::Ours };
        let Ok(origin) = origin.to_str() else { return Self::Foreign };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        if authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host)) {
            return Self::Ours;
        }
        match allowed.iter().any(|known| known.eq_ignore_ascii_case(origin)) {
            true => Self::Allowed(origin.to_owned()),
            false => Self::Foreign,
        }
    }
}

/// The refusal of somebody else's page. It names what was compared: mostly it is a proxy in between that changed one of
/// them, and whoever set it up sees only this.
pub fn foreign(headers: &HeaderMap) -> ErrorObject {
    ErrorObject::forbidden(format!(
        "a page of {} may not send requests here: that is not this server's own address, which the request calls {}, nor one of \
         `allowed_origins` (a proxy has to hand on `Host` as it came)",
        shown(headers, &ORIGIN),
        shown(headers, &HOST),
    ))
}

/// A header's value for people, whatever it holds.
fn shown(headers: &HeaderMap, name: &HeaderName) -> String {
    let Some(value) = headers.get(name) else { return "nothing".to_owned() };
    let visible = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' };
    let text: String = value.as_bytes().iter().take(SHOWN_MAX).map(visible).collect();
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_what_was_compared_and_no_more_than_it_should() {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, "https://tickets.example".parse().unwrap());
        assert!(foreign(&headers).message.contains("`https://tickets.example`"));
        assert!(foreign(&headers).message.contains("calls nothing"));
        let long = [&b"fron\ttrow \xff"[..], &[b'x'; 5_000]].concat();
        headers.insert(HOST, hyper::header::HeaderValue::from_bytes(&long).unwrap());
        let text = foreign(&headers).message;
        assert!(text.contains("`fron?trow??xxx") && text.len() < 600, "{text}");
    }

    fn origin(host: &str, origin: &str) -> Origin {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        headers.insert(ORIGIN, origin.parse().unwrap());
        Origin::of(&headers, &["https://tickets.example".to_owned()])
    }

    #[test]
    fn our_own_and_the_allowed_ones_and_nobody_else() {
        assert_eq!(origin("127.0.0.1:8080", "http://127.0.0.1:8080"), Origin::Ours);
        assert_eq!(origin("127.0.0.1:8080", "http://127.0.0.1:9090"), Origin::Foreign);
        assert_eq!(
            origin("api.example", "https://tickets.example"),
            Origin::Allowed("https://tickets.example".to_owned())
        );
        assert_eq!(origin("api.example", "https://tickets.example.evil"), Origin::Foreign);
        assert_eq!(origin("api.example", "null"), Origin::Foreign);
        assert_eq!(Origin::of(&HeaderMap::new(), &[]), Origin::Ours);
    }
}
