//! Goal: each operators' call is made by those whom the table of calls names, and by nobody else. Method: every such call of
//! the document that the server itself gives, by everybody who may come: each role, an owner without a name, fans, and
//! those whose time is over.

use std::time::Duration;

use frontrow::config::{Config, IssuerKey};
use frontrow::domain::ids::UserId;
use frontrow_protocol::{Role, RoleSet};
use serde_json::{Value, json};

use super::harness::raw::Raw;
use super::harness::{Fan, House, Plan, Refused, Reply, http};

pub const SECRET: &str = "a secret of these tests, and long";
/// More than any call takes.
const BODY: u64 = 100 * 1024 * 1024;

/// A house whose operators an issuer names.
pub async fn house_of_an_issuer(more: fn(&mut Config)) -> House {
    let settings = |config: &mut Config| {
        config.auth.key = Some(IssuerKey::Hs256Secret(SECRET.to_owned()));
        config.auth.operators = true;
        more(config);
    };
    House::open_with(Plan::default(), settings).await
}

/// A token of that issuer.
pub fn issued(house: &House, sub: &str, role: Value) -> String {
    let exp = (house.clock.utc() + Duration::from_secs(365 * 86_400)).as_millis() / 1000;
    let claims = json!({"sub": sub, "exp": exp, "role": role});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// An operators' call.
#[derive(Clone, Debug)]
struct Called {
    verb: String,
    path: String,
    /// Who may; `None`: whoever wants to become somebody.
    needs: Option<RoleSet>,
}

impl Called {
    /// Every one of the server's own document, with something for what its path names.
    async fn all(house: &House) -> Vec<Self> {
        let document = http::call(house.address(), "GET", "/openapi.json", &[], "").await.json();
        let mut found = Vec::new();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            for (verb, call) in verbs.as_object().unwrap() {
                let needs = call.get("x-roles").map(|roles| serde_json::from_value(roles.clone()).unwrap());
                if needs.is_some() || path.starts_with("/api/v1/admin/") {
                    let path = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
                    let (verb, path) = (verb.to_uppercase(), path.collect::<Vec<_>>().join("/"));
                    found.push(Self { verb, path, needs });
                }
            }
        }
        found
    }

    /// From elsewhere, since metrics need no token from this machine.
    async fn by(&self, house: &House, token: Option<&str>) -> Reply {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("x-forwarded-for", "203.0.113.7")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let body = if self.verb == "GET" || self.verb == "DELETE" { "" } else { "{}" };
        http::call(house.address(), &self.verb, &self.path, &headers, body).await
    }

    /// Sends the head alone of a request that announces much.
    async fn announced_by(&self, house: &House, token: &str) -> String {
        let mut raw = Raw::connect(house.address()).await;
        raw.send(format!(
            "{} {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: {BODY}\r\n\r\n",
            self.verb, self.path
        ))
        .await;
        raw.head().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_the_table_says_and_nobody_else_may_anything() {
    let house = house_of_an_issuer(|_| {}).await;
    let calls = Called::all(&house).await;
    assert!(calls.len() >= 3, "{calls:?}");
    let mut operators: Vec<(String, RoleSet)> = Role::ALL
        .iter()
        .map(|role| (issued(&house, &format!("a {role}"), json!(role)), RoleSet::of(&[*role])))
        .collect();
    let two = RoleSet::of(&[Role::BoxOffice, Role::Viewer]);
    operators.push((issued(&house, "two", json!(["box_office", "viewer"])), two));
    operators.push((house.operator_token(), RoleSet::of(&[Role::Owner])));
    operators.push((issued(&house, "before", json!("operator")), RoleSet::of(&[Role::Owner])));
    let judge = |call: &Called, needs: RoleSet, roles: &RoleSet, reply: &Reply| {
        if roles.meets(needs) {
            assert!(![401, 403].contains(&reply.status), "{call:?} by {roles:?}: {:?}", reply.outcome());
        } else {
            assert_eq!(reply.outcome(), (403, "FORBIDDEN".to_owned()), "{call:?} by {roles:?}");
            assert_eq!(reply.json()["needs"], json!(needs), "{call:?} by {roles:?}");
        }
    };
    for call in &calls {
        // So many calls by one operator are more than they may make at once.
        house.advance(1);
        let Some(needs) = call.needs else { continue };
        // The requests of one token are counted.
        house.advance(1);
        for (token, roles) in &operators {
            judge(call, needs, roles, &call.by(&house, Some(token)).await);
        }
        for role in Role::ALL {
            // A new one each time, since a call may be to end it.
            let (_, session) = house.operator(*role).await;
            judge(call, needs, &RoleSet::of(&[*role]), &call.by(&house, Some(&session)).await);
        }
    }

    // Fans, however they come, and those who are nobody any more.
    let (user, mut ended) = (house.user(0).await, house.fan(0).await);
    let mut live = house.fan(0).await;
    let joined = json!({"concert_id": house.concert.0});
    let live = live.ok("queue.join", joined.clone()).await["token"].as_str().unwrap().to_owned();
    let over = ended.ok("queue.join", joined).await["token"].as_str().unwrap().to_owned();
    ended.ok("queue.leave", json!({})).await;
    let (_, signed_out) = house.operator(Role::Owner).await;
    assert_eq!(house.http("DELETE", "/api/v1/admin/session", Some(&signed_out), "").await.status, 204);
    let (id, shut_out) = house.operator(Role::Owner).await;
    let path = format!("/api/v1/admin/operators/{id}");
    let owner = house.operator_token();
    assert_eq!(house.http("PATCH", &path, Some(&owner), r#"{"disabled":true}"#).await.status, 200);
    let auth = &house.context().auth;
    let strangers = [
        ("a fan", Some(house.access_token(user)), 403),
        ("a fan of an issuer", Some(issued(&house, "fan", json!("fan"))), 403),
        (
            "a fan with a role that is none",
            Some(issued(&house, "fan", json!(["Owner", {"owner": true}]))),
            403,
        ),
        ("a live queue token", Some(live), 403),
        ("an ended queue token", Some(over), 403),
        ("nobody", None, 401),
        ("a user who is not there", Some(house.access_token(UserId(9_999))), 404),
        ("an operator of yesterday", Some(auth.mint_operator(house.clock.utc(), Duration::ZERO)), 401),
        ("rubbish", Some("rubbish".to_owned()), 401),
        ("an owner who signed out", Some(signed_out), 401),
        ("an owner who was shut out", Some(shut_out), 401),
        ("a session that never was", Some(format!("fro_{}", "A".repeat(43))), 401),
        ("what looks like a session", Some("fro_".to_owned()), 401),
    ];
    for call in &calls {
        // So many calls by one address are more than it may make at once.
        house.advance(1);
        for (who, token, status) in &strangers {
            if call.needs.is_some() {
                assert_eq!(call.by(&house, token.as_deref()).await.status, *status, "{call:?} by {who}");
            }
        }
    }
}

/// What operators ask for by websocket: each method of the server's own document, with what it may be about.
async fn methods(house: &House) -> Vec<(String, RoleSet, Value)> {
    let document = http::call(house.address(), "GET", "/asyncapi.json", &[], "").await.json();
    let mut found = Vec::new();
    for (name, operation) in document["operations"].as_object().unwrap() {
        if let Some(roles) = operation.get("x-roles") {
            let needs = serde_json::from_value(roles.clone()).unwrap();
            found.push((name.clone(), needs, json!({})));
            found.push((name.clone(), needs, json!({"concert_id": house.concert.0})));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_by_websocket_what_the_table_says_and_nobody_else_may_anything() {
    let house = house_of_an_issuer(|_| {}).await;
    let methods = methods(&house).await;
    assert!(methods.len() >= 4, "{methods:?}");
    let mut operators = vec![
        (house.operator_token(), RoleSet::of(&[Role::Owner])),
        (issued(&house, "before", json!("operator")), RoleSet::of(&[Role::Owner])),
        (issued(&house, "two", json!(["door", "viewer"])), RoleSet::of(&[Role::Door, Role::Viewer])),
    ];
    for role in Role::ALL {
        let roles = RoleSet::of(&[*role]);
        operators.push((house.operator(*role).await.1, roles));
        operators.push((issued(&house, &format!("a {role}"), json!(role)), roles));
    }
    let forbidden = |asked: Result<Value, Refused>, needs: &RoleSet| match asked {
        Ok(_) => false,
        Err(Refused { reason, data }) => {
            assert_eq!((reason.as_str(), &data["needs"]), ("FORBIDDEN", &json!(needs)));
            true
        }
    };
    for (token, roles) in &operators {
        let mut by_hello = house.stranger().await;
        let welcome = by_hello.ok("hello", json!({"access_token": token})).await;
        assert_eq!(welcome["operator"]["roles"], json!(roles));
        let bearer = format!("Bearer {token}");
        let by_header = Fan::connect(house.address(), &[("authorization", bearer.as_str())]).await;
        for console in [&mut by_hello, &mut by_header.unwrap()] {
            for (method, needs, params) in &methods {
                let asked = console.call(method, params.clone()).await;
                assert_eq!(forbidden(asked, needs), !roles.meets(*needs), "{method} {params} by {roles:?}");
            }
        }
    }
    // Fans, however they come.
    let (user, mut left) = (house.user(0).await, house.fan(0).await);
    let joined = json!({"concert_id": house.concert.0});
    let live = house.fan(0).await.ok("queue.join", joined.clone()).await["token"].clone();
    let over = left.ok("queue.join", joined).await["token"].clone();
    left.ok("queue.leave", json!({})).await;
    for hello in [
        json!({"access_token": house.access_token(user)}),
        json!({"access_token": issued(&house, "fan", json!(["Owner", {"owner": true}]))}),
        json!({"queue_token": live}),
        json!({"queue_token": over}),
    ] {
        let mut fan = house.stranger().await;
        for (method, ..) in &methods {
            assert_eq!(fan.refused(method, json!({})).await, "UNAUTHENTICATED");
        }
        fan.ok("hello", hello.clone()).await;
        for (method, needs, params) in &methods {
            assert!(forbidden(fan.call(method, params.clone()).await, needs), "{method} by {hello}");
        }
    }
    // And those whose time is over are nobody at all.
    let auth = &house.context().auth;
    let (_, signed_out) = house.operator(Role::Owner).await;
    assert_eq!(house.http("DELETE", "/api/v1/admin/session", Some(&signed_out), "").await.status, 204);
    for token in [signed_out, auth.mint_operator(house.clock.utc(), Duration::ZERO), "fro_".to_owned()] {
        let mut nobody = house.stranger().await;
        assert_eq!(nobody.refused("hello", json!({"access_token": token})).await, "UNAUTHENTICATED");
        assert_eq!(nobody.closed().await, 4500);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_is_told_so_before_anything_is_read() {
    let house = house_of_an_issuer(|_| {}).await;
    let (owner, door) = (house.operator_token(), issued(&house, "d", json!("door")));
    let fan = house.access_token(house.user(0).await);
    let is_sent = |call: &&Called| call.verb != "GET" && call.verb != "DELETE" && call.needs.is_some();
    for call in Called::all(&house).await.iter().filter(is_sent) {
        for (token, may) in [(&owner, true), (&door, call.needs.unwrap().contains(Role::Door)), (&fan, false)]
        {
            let expected = if may { "413" } else { "403" };
            let head = call.announced_by(&house, token).await;
            assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{call:?}: {head}");
            assert!(head.contains("connection: close"), "nothing can follow a body that is not read: {head}");
        }
    }
}

/// Before there were roles, whoever an issuer called an operator was one. Nobody is one by the new words where it is not
/// trusted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_is_not_trusted_gives_no_roles() {
    let house = house_of_an_issuer(|config| config.auth.operators = false).await;
    for role in [json!("owner"), json!("operator"), json!(["manager", "viewer"])] {
        let token = issued(&house, "o", role);
        assert_eq!(house.http("GET", "/api/v1/admin/sales", Some(&token), "").await.status, 403);
    }
}
