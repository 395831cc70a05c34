//! Responses: JSON, problem documents, and things that are compressed and known by their ETag.

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::http::{PROBLEM_JSON, Problem};
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

pub type Body = Full<Bytes>;

const JSON: &str = "application/json";

pub fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).expect("wire types have string keys and write to memory");
    with_type(status, JSON, text)
}

/// Text that is JSON already.
pub fn json_text(status: StatusCode, text: String) -> Response<Body> {
    with_type(status, JSON, text)
}

pub fn text(content_type: &'static str, text: String) -> Response<Body> {
    with_type(StatusCode::OK, content_type, text)
}

pub fn refused(error: ErrorObject) -> Response<Body> {
    problem(Problem::from(error))
}

pub fn problem(problem: Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &problem);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(seconds) = problem.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What is answered here is somebody's own, or changes by the second.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Something that stays as it is: compressed once, known by the hash of its content.
pub struct Fixed {
    content_type: String,
    etag: HeaderValue,
    gzip: Bytes,
}

impl Fixed {
    pub fn new(content_type: impl Into<String>, content: &[u8]) -> Self {
        let hash = Sha256::digest(content);
        let etag: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip =
            encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory takes all writes");
        Self {
            content_type: content_type.into(),
            etag: HeaderValue::from_str(&format!("\"{etag}\"")).expect("hexadecimal digits in quotes"),
            gzip: gzip.into(),
        }
    }

    /// Whole, or 304 if the client has it. `cache_control` is what it may do with it.
    pub fn response(&self, request: &HeaderMap, cache_control: &'static str) -> Response<Body> {
        let mut response = Response::new(Full::default());
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if self.is_known(request) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        if let Ok(content_type) = HeaderValue::from_str(&self.content_type) {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if accepts_gzip(request) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Full::new(self.gzip.clone());
        } else {
            *response.body_mut() = Full::new(self.plain());
        }
        response
    }

    /// How many bytes a client that takes gzip is sent.
    pub fn compressed_len(&self) -> usize {
        self.gzip.len()
    }

    fn plain(&self) -> Bytes {
        let mut plain = Vec::new();
        GzDecoder::new(&*self.gzip).read_to_end(&mut plain).expect("we compressed it ourselves");
        plain.into()
    }

    fn is_known(&self, request: &HeaderMap) -> bool {
        let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = known.flat_map(|list| list.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
        tags.any(|tag| tag == "*" || tag.as_bytes() == self.etag.as_bytes())
    }
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        (name.trim().eq_ignore_ascii_case("gzip") || name.trim() == "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn request(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    async fn body(response: Response<Body>) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn compressed_for_those_who_take_it_and_once_only() {
        let fixed = Fixed::new("text/plain", b"seats seats seats");
        let gzip = fixed.response(&request(header::ACCEPT_ENCODING, "br, gzip;q=0.5"), "no-cache");
        assert_eq!(gzip.headers()[header::CONTENT_ENCODING], "gzip");
        let refused = fixed.response(&request(header::ACCEPT_ENCODING, "gzip;q=0"), "no-cache");
        assert!(!refused.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(&body(refused).await[..], b"seats seats seats");
        let etag = gzip.headers()[header::ETAG].clone();
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag)]);
        assert_eq!(fixed.response(&again, "no-cache").status(), StatusCode::NOT_MODIFIED);
        assert_eq!(fixed.response(&request(header::IF_NONE_MATCH, "\"else\""), "").status(), StatusCode::OK);
    }
}
