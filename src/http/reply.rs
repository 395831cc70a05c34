//! Responses: JSON, problem documents, and things that are compressed and known by their ETag.

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::call::Call;
use frontrow_protocol::http::{PROBLEM_JSON, Problem};
use futures_util::Stream;
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context as Waker, Poll};

use parking_lot::Mutex;

use crate::desk::Context;

/// What is answered: whole, or made piece by piece as the client takes it.
pub enum Body {
    Whole(Full<Bytes>),
    Pieces(Pieces),
}

/// Pieces of an answer. Each is made when the one before it is written, and nothing more is made for a client that is gone.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BrokenOff>> + Send>>;

/// The rest of an answer cannot be made: the connection ends in the middle of it, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the rest of the answer cannot be made: {0}")]
pub struct BrokenOff(pub String);

impl Body {
    pub fn new(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl From<Full<Bytes>> for Body {
    fn from(whole: Full<Bytes>) -> Self {
        Self::Whole(whole)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Waker<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(whole) => {
                let frame = Pin::new(whole).poll_frame(cx);
                frame.map(|frame| frame.map(|frame| frame.map_err(|never: Infallible| match never {})))
            }
            Self::Pieces(pieces) => {
                pieces.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

pub type ApiResult = Result<Response<Body>, ErrorObject>;

const JSON: &str = "application/json";
/// The best there is: it is done once for each file and start.
const BROTLI_QUALITY: i32 = 11;

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

/// The answer to a call, which is counted.
pub fn counted(context: &Context, call: Call, answered: ApiResult) -> Response<Body> {
    match answered {
        Ok(response) => {
            context.metrics.request(call.name(), "ok");
            response
        }
        Err(error) => {
            context.metrics.request(call.name(), error.reason().as_str());
            refused(error)
        }
    }
}

/// Done, and nothing to say.
pub fn done() -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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
    let mut response = Response::new(Body::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // These answers are somebody's own, or change by the second.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Content up to this size is kept as it is, too; of the rest there is one copy for as long as somebody is sent it.
const PLAIN_BYTES_KEPT: usize = 256 * 1024;

/// Something that stays as it is: compressed once, known by the hash of its content. However many are sent it at the
/// same time, they share it.
pub struct Fixed {
    content_type: String,
    /// The tags of the content as it is, and of the compressed ones: a cache that has one must not take it for another.
    etag: HeaderValue,
    gzip_etag: HeaderValue,
    brotli_etag: HeaderValue,
    gzip: Bytes,
    /// Smaller, and there once somebody took the time.
    brotli: OnceLock<Bytes>,
    plain: Plain,
}

enum Plain {
    Kept(Bytes),
    Made(Mutex<Weak<Vec<u8>>>),
}

/// A copy that goes when the last answer with it is written.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
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
            etag: quoted(&etag),
            gzip_etag: quoted(&format!("{etag}-gzip")),
            brotli_etag: quoted(&format!("{etag}-br")),
            gzip: gzip.into(),
            brotli: OnceLock::new(),
            plain: match content.len() <= PLAIN_BYTES_KEPT {
                true => Plain::Kept(Bytes::copy_from_slice(content)),
                false => Plain::Made(Mutex::default()),
            },
        }
    }

    /// Whole, or 304 if the client has it. `cache_control` is what it may do with it.
    pub fn response(&self, request: &HeaderMap, cache_control: &'static str) -> Response<Body> {
        let mut response = Response::new(Body::default());
        let headers = response.headers_mut();
        let (coding, etag, body) = self.coded_for(request);
        headers.insert(header::ETAG, etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_known(etag, request) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        if let Ok(content_type) = HeaderValue::from_str(&self.content_type) {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        *response.body_mut() = Body::new(body.unwrap_or_else(|| self.plain()));
        response
    }

    /// Compresses as well as can be, which takes a second for a megabyte. What does not get smaller stays as it is.
    pub fn squeeze(&self) {
        let params = brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, ..Default::default() };
        let mut small = Vec::new();
        let done = brotli::BrotliCompress(&mut &*self.plain(), &mut small, &params).is_ok();
        if done && small.len() < self.gzip.len() {
            // A second one who had the same thought had the same result.
            let _ = self.brotli.set(small.into());
        }
    }

    /// The smallest that is there and that the client takes: its name, tag and bytes. Neither: as it is.
    fn coded_for(&self, request: &HeaderMap) -> (Option<&'static str>, &HeaderValue, Option<Bytes>) {
        if let Some(brotli) = self.brotli.get().filter(|_| accepts("br", request)) {
            return (Some("br"), &self.brotli_etag, Some(brotli.clone()));
        }
        match accepts("gzip", request) {
            true => (Some("gzip"), &self.gzip_etag, Some(self.gzip.clone())),
            false => (None, &self.etag, None),
        }
    }

    fn plain(&self) -> Bytes {
        let made = match &self.plain {
            Plain::Kept(plain) => return plain.clone(),
            Plain::Made(made) => made,
        };
        // Another request waits for this copy instead of making its own.
        let mut made = made.lock();
        let shared = made.upgrade().unwrap_or_else(|| {
            let mut plain = Vec::new();
            GzDecoder::new(&*self.gzip).read_to_end(&mut plain).expect("we compressed it ourselves");
            let plain = Arc::new(plain);
            *made = Arc::downgrade(&plain);
            plain
        });
        Bytes::from_owner(Shared(shared))
    }
}

fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("hexadecimal digits and a name, in quotes")
}

fn is_known(etag: &HeaderValue, request: &HeaderMap) -> bool {
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|list| list.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}

fn accepts(coding: &str, request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|offer| {
        let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        (name.trim().eq_ignore_ascii_case(coding) || name.trim() == "*") && !refused
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
        let mut again = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag.clone())]);
        let plain = fixed.response(&again, "no-cache");
        assert_eq!(plain.status(), StatusCode::OK, "it has another coding");
        assert_ne!(plain.headers()[header::ETAG], etag);
        again.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(fixed.response(&again, "no-cache").status(), StatusCode::NOT_MODIFIED);
        assert_eq!(fixed.response(&request(header::IF_NONE_MATCH, "\"else\""), "").status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn brotli_once_it_is_there_and_each_coding_by_a_tag_of_its_own() {
        let content = "seats, rows and sections ".repeat(100);
        let fixed = Fixed::new("text/plain", content.as_bytes());
        let asked = || request(header::ACCEPT_ENCODING, "gzip, deflate, br");
        assert_eq!(fixed.response(&asked(), "").headers()[header::CONTENT_ENCODING], "gzip");
        fixed.squeeze();
        let squeezed = fixed.response(&asked(), "");
        assert_eq!(squeezed.headers()[header::CONTENT_ENCODING], "br");
        let gzip = fixed.response(&request(header::ACCEPT_ENCODING, "gzip, br;q=0"), "");
        assert_eq!(gzip.headers()[header::CONTENT_ENCODING], "gzip");
        assert_ne!(squeezed.headers()[header::ETAG], gzip.headers()[header::ETAG]);
        let mut known = asked();
        known.insert(header::IF_NONE_MATCH, squeezed.headers()[header::ETAG].clone());
        assert_eq!(fixed.response(&known, "").status(), StatusCode::NOT_MODIFIED);
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &*body(squeezed).await, &mut plain).unwrap();
        assert_eq!(plain, content.as_bytes());
        let nothing = Fixed::new("text/plain", b"");
        nothing.squeeze();
        assert_eq!(body(nothing.response(&HeaderMap::new(), "")).await, "");
    }

    /// Goal: a large answer is there once, however many do not take it. Method: where it lies.
    #[tokio::test]
    async fn all_who_are_sent_the_same_share_it() {
        for size in [1_000, 2 * PLAIN_BYTES_KEPT] {
            let content: Vec<u8> = (0..size).map(|place| (place / 7) as u8).collect();
            let fixed = Fixed::new("text/plain", &content);
            let plain = || fixed.response(&HeaderMap::new(), "no-cache");
            let (first, second) = (body(plain()).await, body(plain()).await);
            assert_eq!(first.as_ptr(), second.as_ptr());
            assert!(first == content);
        }
    }
}
