//! The rules for every answer of this port, whatever it answers: asked of one host, safe to open, known by the id that
//! the request came with.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::http::{PROBLEM_JSON, Problem};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode, Version};

use super::reply::{self, Body};
use crate::desk::Context;
use crate::desk::origin::Origin;

/// A client's own name for its request, which stands in its log and comes back in our answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 128;
/// The policy of what is no page: it runs nothing, and stands in no other page.
pub const NOTHING_RUNS: &str = "default-src 'none'; frame-ancestors 'none'";

/// The headers that every answer to a request has.
pub struct Common {
    origin: Origin,
    varies_by_origin: bool,
    head: bool,
    request_id: Option<HeaderValue>,
}

impl Common {
    pub fn of<B>(context: &Context, request: &Request<B>) -> Self {
        let headers = request.headers();
        Self {
            origin: Origin::of(headers, &context.allowed_origins),
            varies_by_origin: !context.allowed_origins.is_empty(),
            head: request.method() == Method::HEAD,
            request_id: headers.get(REQUEST_ID).filter(|id| is_request_id(id.as_bytes())).cloned(),
        }
    }

    pub fn is_foreign(&self) -> bool {
        self.origin == Origin::Foreign
    }

    pub fn complete(self, mut response: Response<Body>) -> Response<Body> {
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING_RUNS));
        }
        if self.varies_by_origin {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Origin::Allowed(origin) = self.origin
            && let Ok(origin) = HeaderValue::from_str(&origin)
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let exposed = HeaderValue::from_static("allow, etag, retry-after, x-request-id");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        if let Some(id) = self.request_id {
            headers.insert(REQUEST_ID, id);
        }
        if self.head {
            // The headers are those of the GET, the length included.
            if let Some(length) = hyper::body::Body::size_hint(response.body()).exact() {
                response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            *response.body_mut() = Body::default();
        }
        response
    }
}

/// The answer to a request that two servers in a row could take for different ones: it names no host, or says more
/// than once what is asked for, by whom, or from where.
pub fn refuse_ambiguous<B>(request: &Request<B>) -> Option<Response<Body>> {
    let error = if !names_one_host(request) {
        ErrorObject::invalid_request("a request must name one host, in one `Host` header")
    } else {
        let name = said_twice(request.headers())?;
        ErrorObject::invalid_request(format!("there is more than one `{name}` header"))
    };
    Some(reply::refused(error))
}

/// The first header that is there more than once, of those that decide what a request does.
fn said_twice(headers: &HeaderMap) -> Option<&'static str> {
    let is_twice = |name: &str| headers.get_all(name).iter().nth(1).is_some();
    ["authorization", "idempotency-key", "origin"].into_iter().find(|name| is_twice(name))
}

fn names_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            // A name in front is no host's, and a comma joins what were two headers.
            !host.as_bytes().iter().any(|byte| b"@,".contains(byte))
                && Authority::try_from(host.as_bytes()).is_ok()
        }
        // HTTP/2 names it elsewhere, and HTTP/1.0 nowhere.
        (None, _) => request.version() == Version::HTTP_10 || request.version() == Version::HTTP_2,
        (Some(_), Some(_)) => false,
    }
}

/// A whole answer as it is written, to a client that is read no further: with what every answer says.
pub fn last_words(problem: &Problem) -> String {
    let body = serde_json::to_string(problem).expect("a problem writes to memory: nothing can fail");
    let retry = problem.retry_after_seconds().map(|seconds| format!("retry-after: {seconds}\r\n"));
    format!(
        "HTTP/1.1 {}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\n{}x-content-type-options: nosniff\r\n\
         content-security-policy: {NOTHING_RUNS}\r\nconnection: close\r\n\r\n{body}",
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        body.len(),
        retry.unwrap_or_default(),
    )
}

/// Short, and without anything that a log or a terminal would take for more than a name.
fn is_request_id(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@~".contains(byte);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(is_plain)
}

/// The answer to `OPTIONS`: what may be done with a path, which is also what a browser asks before it does it.
pub fn options(allowed: &str) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let asked = "authorization, content-type, idempotency-key, if-none-match, x-request-id";
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(asked));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allow(headers, header::ACCESS_CONTROL_ALLOW_METHODS, allowed);
    allow(headers, header::ALLOW, &format!("{allowed}, OPTIONS"));
    response
}

/// The answer to what a path does not allow.
pub fn method_not_allowed(method: &Method, allowed: &str) -> Response<Body> {
    let error = ErrorObject::invalid_request(format!("{method} is not allowed here, only {allowed}"));
    let mut response = reply::problem(Problem::with_status(error, 405));
    allow(response.headers_mut(), header::ALLOW, &format!("{allowed}, OPTIONS"));
    response
}

/// The address at which the client believes this server to be. Only its own answer says so again, so it may claim what
/// it likes.
pub fn origin_of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host")?;
    let scheme = match text("x-forwarded-proto") {
        Some(scheme @ ("http" | "https")) => scheme,
        // A host with a port is a server that somebody tries; one without is what the public sees.
        _ if host.contains(':') => "http",
        _ => "https",
    };
    Some(format!("{scheme}://{host}"))
}

fn allow(headers: &mut HeaderMap, name: HeaderName, allowed: &str) {
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        headers.insert(name, allowed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_host() {
        let named = |version, hosts: &[&str]| {
            let request = hosts.iter().fold(Request::builder().version(version), |r, h| r.header("host", *h));
            names_one_host(&request.body(()).unwrap())
        };
        for host in ["tickets.example", "tickets.example:8080", "127.0.0.1:1", "[::1]:8080", "localhost"] {
            assert!(named(Version::HTTP_11, &[host]), "{host}");
        }
        for host in ["", " ", "a b", "a/b", "user@a", "a,b", "a?b", "http://a", "[::1", "ä"] {
            assert!(!named(Version::HTTP_11, &[host]), "{host}");
        }
        assert!(!named(Version::HTTP_11, &[]));
        assert!(!named(Version::HTTP_11, &["a", "a"]));
        assert!(named(Version::HTTP_10, &[]));
        assert!(!named(Version::HTTP_10, &["a", "b"]));
    }

    #[test]
    fn what_decides_is_said_once() {
        let headers = |names: &[&'static str]| -> HeaderMap {
            names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("a"))).collect()
        };
        for name in ["authorization", "idempotency-key", "origin"] {
            assert_eq!(said_twice(&headers(&[name, "cookie"])), None);
            assert_eq!(said_twice(&headers(&[name, "cookie", name])), Some(name));
        }
        assert_eq!(said_twice(&headers(&["accept", "accept"])), None);
    }

    #[test]
    fn an_id_of_a_request_is_short_and_plain() {
        for id in ["a", "0198c0de-0000-7000-8000-000000000000", "trace/1:2.3~x@y=z+w_v", &"x".repeat(128)] {
            assert!(is_request_id(id.as_bytes()), "{id}");
        }
        for id in ["", "a b", "a\x1b[31m", "<script>", "ä", "a\"b", &"x".repeat(129)] {
            assert!(!is_request_id(id.as_bytes()), "{id}");
        }
    }
}
