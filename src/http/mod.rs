//! The second door: the same requests over HTTP, for clients that poll and for operators. The same dispatcher and
//! the same rules serve both doors.

mod api;
mod assets;
mod common;
mod concert;
mod csv;
mod images;
mod layout;
mod ops;
mod query;
mod reply;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use frontrow_protocol::call::{API, Call, Path, Side};
use frontrow_protocol::http::{Health, Problem};
use frontrow_protocol::{ErrorObject, asyncapi, openapi};
use http_body_util::{BodyExt, Limited};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

pub use assets::Assets;
pub use common::{Common, last_words};
pub use layout::Layouts;
pub use reply::Body;

use crate::desk::identity::{Identity, bearer_token};
use crate::desk::operators::roles;
use crate::desk::request_rates::Asker;
use crate::desk::visitor::{Door, Visitor};
use crate::desk::{Context, origin};
use crate::domain::ids::ConcertId;
use crate::limits;
use crate::metrics::{self, Metrics};
use crate::store::making::ImageId;
use concert::Pages;
use images::Images;
use ops::OpsAsked;
use query::Query;
use reply::Fixed;

const HEALTH: &str = Call::Health.path();
const READINESS: &str = Call::Readiness.path();
const METRICS: &str = Call::Metrics.path();
/// Counting everything for a page costs about as much as so many small requests.
const METRICS_WEIGHT: u32 = 10;

/// Made when they are asked for first.
static OPENAPI: LazyLock<Fixed> =
    LazyLock::new(|| Fixed::new("application/json", openapi::document().to_string().as_bytes()));
static ASYNCAPI: LazyLock<Fixed> =
    LazyLock::new(|| Fixed::new("application/json", asyncapi::document().to_string().as_bytes()));
/// They are of the server's version.
const DOCUMENTS_KEPT: &str = "no-cache";

/// The parts that answers are made from: what both doors share, and the pages and drawings that only this one has.
pub struct Site {
    pub context: Arc<Context>,
    pub assets: Assets,
    pub layouts: Layouts,
    pub images: Images,
    pub pages: Pages,
}

impl Site {
    pub fn new(context: Arc<Context>) -> Self {
        let (layouts, images, pages) = (Layouts::default(), Images::default(), Pages::default());
        Self { context, assets: Assets::load(), layouts, images, pages }
    }
}

/// The requests that one HTTP connection has made.
#[derive(Default)]
pub struct Usage {
    requests: AtomicU32,
}

impl Usage {
    /// However fast requests come on one connection, the others have their turn in between.
    async fn give_way(&self) {
        if self.requests.fetch_add(1, Ordering::Relaxed) % limits::HTTP_REQUESTS_PER_TURN
            == limits::HTTP_REQUESTS_PER_TURN - 1
        {
            tokio::task::yield_now().await;
        }
    }
}

/// Answers one request. Everything but `GET /ws` comes here.
pub async fn answer<B>(site: &Site, usage: &Usage, visitor: Visitor, request: Request<B>) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let common = Common::of(&site.context, &request);
    usage.give_way().await;
    let response = if let Some(refusal) = common::refuse_ambiguous(&request) {
        refusal
    } else if common.is_foreign() {
        reply::refused(origin::foreign(request.headers()))
    } else {
        route(site, visitor, request).await
    };
    common.complete(response)
}

/// Refuses what has to be refused before an upgrade is looked into.
pub async fn refuse_upgrade<B>(
    context: &Context,
    usage: &Usage,
    door: Door,
    client: IpAddr,
    request: &Request<B>,
) -> Option<Response<Body>> {
    usage.give_way().await;
    if let Some(refusal) = common::refuse_ambiguous(request) {
        return Some(refusal);
    }
    // Operators are answered, whatever fans of the same address have used up, and a rehearsal uses up nothing of theirs.
    if door != Door::Public {
        return None;
    }
    let token =
        if request.headers().contains_key(header::AUTHORIZATION) { limits::UNKNOWN_TOKEN_WEIGHT } else { 0 };
    match context.rates.take(Asker::Address(client), 1 + token) {
        Ok(()) => None,
        Err(wait) => Some(too_fast(context, client, wait).await),
    }
}

/// The one that a request is counted for, and the one who sent it.
struct Sender {
    asker: Asker,
    /// `None`: no token came with it, or it was not needed.
    identity: Option<Result<Identity, ErrorObject>>,
}

async fn route<B>(site: &Site, visitor: Visitor, request: Request<B>) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let context = &site.context;
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let client = visitor.client;
    let sender = match sender_of(context, visitor, path, &head.headers).await {
        Ok(sender) => sender,
        Err(wait) => return too_fast(context, client, wait).await,
    };
    let Some(resource) = Resource::find(site, visitor.door, path) else {
        return reply::refused(ErrorObject::unknown_method(path));
    };
    if head.method == Method::OPTIONS {
        return common::options(&resource.allowed());
    }
    let Sender { asker, identity } = sender;
    let response = match resource {
        Resource::Page if matches!(head.method, Method::GET | Method::HEAD) => {
            page(site, path, &head.headers)
        }
        Resource::Image(image, width) if matches!(head.method, Method::GET | Method::HEAD) => {
            site.images.answer(context, image, width, &head.headers).await
        }
        Resource::Page | Resource::Image(..) => {
            return common::method_not_allowed(&head.method, &resource.allowed());
        }
        Resource::Calls(known, argument) => match known.call(head.method.as_str()) {
            None => return common::method_not_allowed(&head.method, &resource.allowed()),
            Some(Call::Metrics) => match visitor.may_read_metrics() {
                true => metrics(context),
                false => match roles::may(Call::Metrics, identity.as_ref()) {
                    Ok(_) => metrics(context),
                    Err(error) => reply::refused(error),
                },
            },
            Some(Call::Health) => reply::json(StatusCode::OK, &Health::of(Vec::new())),
            Some(Call::Readiness) => readiness(context).await,
            Some(Call::OpenApi) => OPENAPI.response(&head.headers, DOCUMENTS_KEPT),
            Some(Call::AsyncApi) => ASYNCAPI.response(&head.headers, DOCUMENTS_KEPT),
            Some(call) => {
                // Who may not ask is told so before anything is read: only some may send much.
                if call.roles().is_some()
                    && let Err(error) = roles::may(call, identity.as_ref())
                {
                    context.metrics.request(call.name(), error.reason().as_str());
                    return match body.is_end_stream() {
                        true => reply::refused(error),
                        false => unread(error.into()),
                    };
                }
                // Held until the answer is there: what is made of a file takes as much again.
                let _turn = match call.takes_file() && !is_longer(&head.headers, call.body_max()) {
                    false => None,
                    true => match context.large_bodies.clone().try_acquire_owned() {
                        Ok(turn) => Some(turn),
                        Err(_) => {
                            let wait = limits::LARGE_BODY_RETRY_AFTER.as_millis() as u64;
                            let busy = ErrorObject::rate_limited(wait);
                            context.metrics.request(call.name(), busy.reason().as_str());
                            return unread(busy.into());
                        }
                    },
                };
                let patience = match call.takes_file() {
                    true => limits::LARGE_BODY_PATIENCE,
                    false => limits::HTTP_REQUEST_PATIENCE,
                };
                let body = match read_body(body, &head.headers, call.body_max(), patience).await {
                    Ok(body) => body,
                    Err(refusal) => return refusal,
                };
                let query = head.uri.query();
                match call.side() {
                    Side::Operators => {
                        let identity = identity.and_then(Result::ok);
                        let (query, headers) = (Query(query.unwrap_or("")), &head.headers);
                        let layouts = &site.layouts;
                        let asked = OpsAsked { context, layouts, client, identity, query, headers, body };
                        ops::answer(asked, call, argument).await
                    }
                    Side::Public | Side::Both => {
                        api::answer(site, client, identity, call, argument, query, &head.headers, &body).await
                    }
                }
            }
        },
    };
    let bytes = hyper::body::Body::size_hint(response.body()).lower();
    let weight = (bytes / limits::ANSWER_BYTES_WEIGHED) as u32;
    if weight > 0 && visitor.door == Door::Public {
        context.rates.charge(asker, weight);
    }
    response
}

/// The thing at a path.
#[derive(Clone, Copy)]
enum Resource<'a> {
    /// The methods of a path, with what the path names.
    Calls(&'static Path, &'a str),
    /// Something of the browser's client.
    Page,
    /// A picture of a concert, in the size that goes by this width.
    Image(ImageId, u32),
}

impl<'a> Resource<'a> {
    /// `None`: there is no such path at this door.
    fn find(site: &Site, door: Door, path: &'a str) -> Option<Self> {
        if door == Door::Rehearsal {
            return None;
        }
        let Some((known, argument)) = Path::find(path) else {
            if let Some((image, width)) = images::named(path) {
                return Some(Self::Image(image, width));
            }
            let is_there = site.assets.get(path).is_some();
            let is_page = match door {
                // Where operators have a listener of their own, their page is there.
                Door::Public if site.context.admin_apart && Assets::is_console(path) => false,
                Door::Public => is_there || concert_of(path).is_some(),
                Door::Admin => is_there && Assets::is_for_console(path),
                Door::Rehearsal => false,
            };
            return is_page.then_some(Self::Page);
        };
        let is_here = known.calls().iter().all(|call| match (call, call.side()) {
            // What asks for an upgrade was not looked up by its path.
            (Call::Websocket, _) => false,
            (_, Side::Both) => true,
            (_, Side::Operators) => door == Door::Admin || !site.context.admin_apart,
            (_, Side::Public) => door == Door::Public,
        });
        is_here.then_some(Self::Calls(known, argument))
    }

    /// The methods that are possible here.
    fn allowed(self) -> String {
        match self {
            Self::Calls(known, _) => known.allowed(),
            Self::Page | Self::Image(..) => "GET, HEAD".to_owned(),
        }
    }
}

impl Visitor {
    /// Metrics are read without a token on the operators' own listener, and from this machine.
    fn may_read_metrics(self) -> bool {
        self.door == Door::Admin || self.is_local
    }
}

/// Counts the request, for its user if its token is good. An error is how long to wait.
async fn sender_of(
    context: &Context,
    visitor: Visitor,
    path: &str,
    headers: &HeaderMap,
) -> Result<Sender, Duration> {
    let client = visitor.client;
    let (rates, address) = (&context.rates, Asker::Address(client));
    let token = match path.starts_with(API) || path == METRICS {
        true => bearer_token(headers),
        false => Ok(None),
    };
    if visitor.door == Door::Admin {
        // Operators are answered, whatever fans of the same address have used up.
        let identity = match token {
            Ok(Some(token)) => Some(context.identify(token).await),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        return Ok(Sender { asker: address, identity });
    }
    let weight = match path {
        HEALTH | READINESS => {
            let asker = Asker::Prober(client);
            return rates.take(asker, 1).map(|()| Sender { asker, identity: None });
        }
        METRICS => METRICS_WEIGHT,
        _ => 1,
    };
    let token = match token {
        Ok(Some(token)) => token,
        none => {
            let identity = none.err().map(Err);
            return rates.take(address, weight).map(|()| Sender { asker: address, identity });
        }
    };
    let known = rates.bearer_of(token);
    match known {
        Some(bearer) => rates.take(Asker::Known(bearer), weight)?,
        None => rates.take(address, weight + limits::UNKNOWN_TOKEN_WEIGHT)?,
    }
    let identity = context.identify(token).await;
    let asker = match (&identity, known) {
        (Ok(_), Some(bearer)) => Asker::Known(bearer),
        (Ok(identity), None) => {
            let asker = Asker::Known(rates.remember(token, identity.user));
            rates.take(asker, weight)?;
            asker
        }
        (Err(_), _) => address,
    };
    Ok(Sender { asker, identity: Some(identity) })
}

/// The answer to requests that come too fast; held back from those who do not mind it.
async fn too_fast(context: &Context, client: IpAddr, wait: Duration) -> Response<Body> {
    context.metrics.request("http", "RATE_LIMITED");
    Metrics::count(&context.metrics.refused, "rate");
    let delay = context.addresses.refuse(client);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    reply::refused(ErrorObject::rate_limited(wait.as_millis().max(1) as u64))
}

fn too_large(max: usize) -> Response<Body> {
    let text = format!("a body has at most {max} bytes");
    unread(Problem::with_status(ErrorObject::invalid_request(text), 413))
}

/// Is it announced to have more than that?
fn is_longer(headers: &HeaderMap, max: usize) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > max as u64)
}

/// The rest of the body is not read, so nothing can follow it.
fn unread(problem: Problem) -> Response<Body> {
    let mut response = reply::problem(problem);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A body that is announced to be too large is not waited for.
async fn read_body<B>(
    body: B,
    headers: &HeaderMap,
    max: usize,
    patience: Duration,
) -> Result<Bytes, Response<Body>>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if is_longer(headers, max) {
        return Err(too_large(max));
    }
    let limited = Limited::new(body, max).collect();
    match tokio::time::timeout(patience, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(max)),
        Ok(Err(_)) => Err(reply::refused(ErrorObject::invalid_request("the body did not arrive whole"))),
        Err(_) => {
            let late = ErrorObject::invalid_request("the body did not arrive in time");
            Err(unread(Problem::with_status(late, 408)))
        }
    }
}

async fn readiness(context: &Context) -> Response<Body> {
    let mut health = Health::of(context.unready().await);
    health.notes.extend(context.fanout.currency_note());
    health.notes.extend(context.dispatcher.notes());
    let status = StatusCode::from_u16(health.http_status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    reply::json(status, &health)
}

fn metrics(context: &Context) -> Response<Body> {
    context.metrics.mailbox_depth.set(context.dispatcher.mailbox_depth() as i64);
    let (events, since) = context.dispatcher.lag();
    context.metrics.set_apply_lag(events, since);
    let sales = context.dispatcher.whereabouts().into_iter();
    context
        .metrics
        .set_sales(sales.map(|(concert, place, writer)| (concert.0, place.as_str(), writer.map(|id| id.0))));
    reply::text(metrics::CONTENT_TYPE, context.metrics.encode())
}

/// Something of the browser's client.
fn page(site: &Site, path: &str, headers: &HeaderMap) -> Response<Body> {
    match site.assets.get(path).map(|asset| asset.response(headers)) {
        Some(response) => response,
        None => {
            let shared = concert_page(site, path, headers);
            shared.unwrap_or_else(|| reply::refused(ErrorObject::unknown_method(path)))
        }
    }
}

/// The concert that `/concert/7` or `/sale/7` names. The page itself says that one does not exist.
fn concert_of(path: &str) -> Option<ConcertId> {
    let id = path.strip_prefix("/concert/").or_else(|| path.strip_prefix("/sale/"))?;
    let id = Some(id).filter(|id| id.bytes().all(|digit| digit.is_ascii_digit()))?;
    id.parse().ok().map(ConcertId)
}

/// The address of a concert to pass on: the same page, which says in its head which concert it is about.
fn concert_page(site: &Site, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let concert = concert_of(path)?;
    let Some(view) = site.context.fanout.sale(concert) else {
        return Some(site.assets.get("/")?.response(headers));
    };
    let concert_record = view.concert();
    let page = site.pages.of(&site.context, concert).ok();
    let about = page.as_ref().map(|page| &page.about);
    let origin = common::origin_of(headers);
    let shared = assets::Shared {
        path,
        title: &concert_record.title,
        venue: Some(concert_record.venue.as_str()).filter(|venue| !venue.is_empty()),
        description: about.and_then(|about| about.texts.description.as_deref()),
        image: about.and_then(|about| about.image_id.as_deref()),
        image_alt: about.and_then(|about| about.texts.image_alt.as_deref()),
        origin: origin.as_deref(),
    };
    Some(site.assets.shared_page(&shared, headers))
}
