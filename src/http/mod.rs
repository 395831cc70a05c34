//! The second door: the same requests over HTTP, for clients that poll and for operators. The same dispatcher and
//! the same rules serve both doors.

mod api;
mod assets;
mod layout;
mod reply;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use frontrow_protocol::http::{Health, Problem};
use frontrow_protocol::{ErrorObject, asyncapi, openapi};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;

pub use assets::Assets;
pub use layout::Layouts;
pub use reply::Body;

use crate::desk::rate::{Meter, Rate};
use crate::gateway::Context;
use crate::gateway::origin::Origin;
use crate::limits;
use crate::metrics;

const API: &str = "/api/v1/";

/// What one HTTP connection has used up.
#[derive(Default)]
pub struct Usage {
    meter: Mutex<Meter>,
}

/// Answers one request. Everything but `GET /ws` comes here.
/// `client` is the address that counts.
pub async fn answer<B>(
    context: &Arc<Context>,
    usage: &Usage,
    client: IpAddr,
    request: Request<B>,
) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let origin = Origin::of(request.headers(), &context.allowed_origins);
    let head = request.method() == Method::HEAD;
    let mut response = match origin {
        Origin::Foreign => reply::refused(ErrorObject::forbidden("this origin is not allowed here")),
        Origin::Ours | Origin::Allowed(_) => route(context, usage, client, request).await,
    };
    if let Origin::Allowed(origin) = origin {
        allow_origin(response.headers_mut(), &origin);
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if head {
        // The headers are those of the GET, the length included.
        let length = hyper::body::Body::size_hint(response.body()).exact().unwrap_or(0);
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        *response.body_mut() = Full::default();
    }
    response
}

async fn route<B>(
    context: &Arc<Context>,
    usage: &Usage,
    client: IpAddr,
    request: Request<B>,
) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if head.method == Method::OPTIONS {
        return preflight();
    }
    let reading = head.method == Method::GET || head.method == Method::HEAD;
    let Some(call) = path.strip_prefix(API) else {
        return match reading {
            true => read_only(context, &path, &head.headers).await,
            false => method_not_allowed("GET, HEAD, OPTIONS"),
        };
    };
    let rate = Rate::new(context.limits.requests_per_second, context.limits.requests_burst);
    if let Err(wait) = usage.meter.lock().take(context.clock.utc(), rate) {
        context.metrics.request("http", "RATE_LIMITED");
        return reply::refused(ErrorObject::rate_limited(wait.as_millis().max(1) as u64));
    }
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let method = if reading { Method::GET } else { head.method };
    api::answer(context, client, &method, call, head.uri.query(), &head.headers, &body).await
}

async fn read_body<B>(body: B) -> Result<Bytes, Response<Body>>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limited = Limited::new(body, limits::HTTP_BODY_BYTES_MAX).collect();
    match tokio::time::timeout(limits::HTTP_REQUEST_PATIENCE, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let text = format!("a body has at most {} bytes", limits::HTTP_BODY_BYTES_MAX);
            Err(reply::problem(Problem::with_status(ErrorObject::invalid_request(text), 413)))
        }
        Ok(Err(_)) => Err(reply::refused(ErrorObject::invalid_request("the body did not arrive whole"))),
        Err(_) => {
            let late = ErrorObject::invalid_request("the body did not arrive in time");
            Err(reply::problem(Problem::with_status(late, 408)))
        }
    }
}

/// What has no prefix: health, metrics, documents, and the browser's client.
async fn read_only(context: &Arc<Context>, path: &str, headers: &HeaderMap) -> Response<Body> {
    match path {
        "/healthz" => reply::json(StatusCode::OK, &Health::of(Vec::new())),
        "/readyz" => {
            let mut missing = context.dispatcher.missing();
            if let Err(error) = context.read(context.store.ping()).await {
                missing.insert(0, format!("the store does not answer: {}", error.message));
            }
            let health = Health::of(missing);
            let status =
                StatusCode::from_u16(health.http_status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            reply::json(status, &health)
        }
        "/metrics" => {
            context.metrics.mailbox_depth.set(context.dispatcher.mailbox_depth() as i64);
            reply::text(metrics::CONTENT_TYPE, context.metrics.encode())
        }
        "/openapi.json" => reply::json(StatusCode::OK, &openapi::document()),
        "/asyncapi.json" => reply::json(StatusCode::OK, &asyncapi::document()),
        path => match context.assets.get(path) {
            Some(asset) => asset.response(headers),
            None => reply::refused(ErrorObject::unknown_method(path)),
        },
    }
}

fn preflight() -> Response<Body> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let allowed: [(HeaderName, &'static str); 4] = [
        (header::ALLOW, "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PATCH, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, if-none-match"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    for (name, value) in allowed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn allow_origin(headers: &mut HeaderMap, origin: &str) {
    if let Ok(origin) = HeaderValue::from_str(origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, retry-after"));
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

fn method_not_allowed(allowed: &'static str) -> Response<Body> {
    let error = ErrorObject::invalid_request(format!("only {allowed} are possible here"));
    let mut response = reply::problem(Problem::with_status(error, 405));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}
