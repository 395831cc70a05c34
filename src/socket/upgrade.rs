//! `GET /ws`: from HTTP to a websocket. Everything that can be refused is refused here, while there is still a
//! status to refuse it with.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use frontrow_protocol::http::{PROBLEM_JSON, Problem};
use frontrow_protocol::{ErrorObject, Method as Call, Reason, SUBPROTOCOL};
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::hub::{Draining, Hub};
use super::session::{Arrival, Newcomer};
use crate::desk::address_limits::AddressPermit;
use crate::desk::gate::QueueBearer;
use crate::desk::identity::bearer_token;
use crate::desk::origin::{self, Origin};
use crate::desk::visitor::{Admits, Door};
use crate::limits;
use crate::metrics::Metrics;

const WEBSOCKET_VERSION: &str = "13";

/// Somebody whose connection becomes a websocket.
pub struct Agreed {
    pub newcomer: Newcomer,
    /// The permit among the connections of the address that a proxy named by header.
    pub permit: Option<AddressPermit>,
}

/// The answer to an upgrade; with a newcomer, the connection is a websocket from then on. `address` is the
/// connection's.
pub async fn answer<B>(
    hub: &Hub,
    door: Door,
    address: IpAddr,
    request: &Request<B>,
) -> (Response<Full<Bytes>>, Option<Agreed>) {
    match agree(hub, door, address, request).await {
        Ok((response, agreed)) => (response, Some(agreed)),
        Err(refused) => (*refused, None),
    }
}

async fn agree<B>(
    hub: &Hub,
    door: Door,
    address: IpAddr,
    request: &Request<B>,
) -> Result<(Response<Full<Bytes>>, Agreed), Box<Response<Full<Bytes>>>> {
    let headers = request.headers();
    if request.method() != Method::GET {
        let error = ErrorObject::invalid_request("only GET opens a websocket");
        return Err(refusal(error, 405, Some((header::ALLOW, "GET"))));
    }
    if !asks_for_upgrade(headers) || request.version() != Version::HTTP_11 {
        let error = ErrorObject::invalid_request("this path is for the websocket protocol");
        return Err(refusal(error, 426, Some((header::UPGRADE, "websocket"))));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != WEBSOCKET_VERSION) {
        let error = ErrorObject::invalid_request("only version 13 of the websocket protocol is supported");
        return Err(refusal(error, 426, Some((header::SEC_WEBSOCKET_VERSION, WEBSOCKET_VERSION))));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let Some(key) = key.filter(|key| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)) else {
        let error = ErrorObject::invalid_request("`Sec-WebSocket-Key` must be 16 bytes in base64");
        return Err(refusal(error, 400, None));
    };
    let offered: Vec<_> = tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL).collect();
    if !offered.is_empty() && !offered.contains(&SUBPROTOCOL) {
        let error = ErrorObject::invalid_request(format!("only the subprotocol {SUBPROTOCOL} is supported"));
        return Err(refusal(error, 400, None));
    }
    if Origin::of(headers, &hub.context.allowed_origins) == Origin::Foreign {
        let error = origin::foreign(headers);
        return Err(refusal(error, 403, None));
    }
    if hub.draining() != Draining::No {
        let error = ErrorObject::unavailable(limits::RESTART_RETRY_AFTER.as_millis() as u64);
        return Err(refusal(error, 503, None));
    }
    let proxies = &hub.context.proxies;
    let client = if door == Door::Public { proxies.client(address, headers) } else { address };
    let permit = match door == Door::Public && proxies.names_clients_by_header(address) {
        false => None,
        true => hub.context.addresses.connect(client).map_err(|too_many| {
            Metrics::count(&hub.context.metrics.refused, too_many.limit.as_str());
            refusal(too_many.error(), 429, None)
        })?,
    };
    let admits = door.admits(hub.context.admin_apart);
    let arrival = arrival(hub, admits, headers).await.map_err(|error| {
        let status = error.reason().http_status();
        // A client whose token names nobody is not authenticated.
        let status = if error.reason() == Reason::UserNotFound { 401 } else { status };
        refusal(error, status, None)
    })?;
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()))
        .body(Full::default())
        .expect("a base64 text is a header's value");
    if !offered.is_empty() {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let block = hub.context.addresses.block(client).filter(|_| door != Door::Rehearsal);
    Ok((response, Agreed { newcomer: Newcomer { arrival, block, admits }, permit }))
}

async fn arrival(hub: &Hub, admits: Admits, headers: &HeaderMap) -> Result<Arrival, ErrorObject> {
    let Some(token) = bearer_token(headers)? else { return Ok(Arrival::Stranger) };
    let identity = hub.context.identify(token).await?;
    identity.may_request(Call::Hello, hub.context.clock.utc())?;
    let guest = identity.guest;
    let (user, badge) = admits.of(identity.user, identity.badge(token))?;
    Ok(match (user, badge, identity.queue, identity.ends_at) {
        (Some(user), _, Some(QueueBearer { token, concert, .. }), _) => {
            Arrival::Token { user, guest, token, concert }
        }
        (Some(user), badge, None, Some(ends_at)) => Arrival::User { user, guest, ends_at, badge },
        (None, Some(badge), _, Some(ends_at)) => Arrival::Operator { badge, ends_at },
        (None, ..) => return Err(ErrorObject::forbidden("this token names nobody")),
        (Some(_), _, None, None) => return Err(ErrorObject::internal()),
    })
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let names = |name, wanted: &str| tokens(headers, &name).any(|token| token.eq_ignore_ascii_case(wanted));
    names(header::CONNECTION, "upgrade") && names(header::UPGRADE, "websocket")
}

/// The entries of a header that is a list.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn refusal(
    error: ErrorObject,
    status: u16,
    header: Option<(HeaderName, &'static str)>,
) -> Box<Response<Full<Bytes>>> {
    let problem = Problem::with_status(error, status);
    let body = serde_json::to_vec(&problem).expect("a problem writes to memory: nothing can fail");
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some((name, value)) = header {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Box::new(response)
}
