//! Which web pages may talk to us. A browser says where a page is from; other clients say nothing, and may.

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

/// What an `Origin` means for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// None was sent, or it is our own.
    Ours,
    /// Of `allowed_origins`: its page may read our answers.
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

#[cfg(test)]
mod tests {
    use super::*;

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
