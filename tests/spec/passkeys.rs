//! Goal: a passkey signs in the one who made it, at the site that it was made for, once a ceremony; nothing else does. Method:
//! the server over HTTP, and an authenticator of software that does as it is told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontrow_protocol::Role;
use frontrow_protocol::limits::PASSKEYS_MAX;
use futures_util::future::join_all;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::harness::{House, Plan, Reply};

const SESSION: &str = "/api/v1/admin/session";
const CHALLENGE: &str = "/api/v1/admin/session/challenge";
const PASSKEYS: &str = "/api/v1/admin/passkeys";
const NEW: &str = "/api/v1/admin/passkeys/challenge";
const SITE: &str = "https://tickets.example";

/// What a browser and its authenticator would say, and what a liar may.
struct Authenticator {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
    count: u32,
    origin: &'static str,
    host: &'static str,
    flags: u8,
    cross_origin: bool,
}

impl Authenticator {
    fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();
        let credential = format!("credential of {name}").into_bytes();
        let (origin, host) = (SITE, "tickets.example");
        Self { key, credential, count: 0, origin, host, flags: 0x05, cross_origin: false }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["public_key"]["challenge"];
        let (origin, cross_origin) = (self.origin, self.cross_origin);
        json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin})
            .to_string()
            .into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        [&Sha256::digest(self.host)[..], &[self.flags | more], &self.count.to_be_bytes()].concat()
    }

    /// The body that adds it.
    fn made(&self, options: &Value, name: &str) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let key = [&b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"[..], x, b"\x22\x58\x20", y].concat();
        let length = (self.credential.len() as u16).to_be_bytes();
        let data = [&self.data(0x40)[..], &[0; 16], &length, &self.credential, &key].concat();
        // Browsers send more than is read.
        json!({"ceremony": options["ceremony"], "name": name, "credential": {
            "id": encode(&self.credential), "rawId": encode(&self.credential), "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
                "authenticatorData": encode(&data),
                "transports": ["internal"],
            },
        }})
    }

    /// The body that signs in by it.
    fn used(&self, options: &Value) -> Value {
        let (client_data, data) = (self.client_data("webauthn.get", options), self.data(0));
        let message = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).unwrap();
        json!({"passkey": {"ceremony": options["ceremony"], "credential": {
            "rawId": encode(&self.credential),
            "response": {
                "clientDataJSON": encode(&client_data),
                "authenticatorData": encode(&data),
                "signature": encode(signature.as_ref()),
                "userHandle": null,
            },
        }}})
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn house() -> House {
    House::open(Plan { settings: |config| config.admin_base_url = Some(SITE.to_owned()), ..Plan::default() })
        .await
}

async fn options(house: &House, path: &str, token: Option<&str>) -> Value {
    let begun = house.http("POST", path, token, "").await;
    assert_eq!(begun.status, 201, "{:?}", begun.outcome());
    begun.json()
}

async fn add(house: &House, token: &str, key: &Authenticator, name: &str) -> Reply {
    let options = options(house, NEW, Some(token)).await;
    house.http("POST", PASSKEYS, Some(token), &key.made(&options, name).to_string()).await
}

async fn sign_in(house: &House, key: &Authenticator) -> Reply {
    let options = options(house, CHALLENGE, None).await;
    house.http("POST", SESSION, None, &key.used(&options).to_string()).await
}

fn refused(reply: &Reply) -> (u16, String) {
    let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
    (reply.status, detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_the_way_in_until_it_is_removed() {
    let house = house().await;
    let (min, token) = house.operator(Role::Manager).await;
    let mut key = Authenticator::new("min");
    let begun = options(&house, NEW, Some(&token)).await;
    let asked = &begun["public_key"];
    assert_eq!(asked["rp"]["id"], "tickets.example");
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["excludeCredentials"], json!([]));
    let added = house.http("POST", PASSKEYS, Some(&token), &key.made(&begun, " Phone ").to_string()).await;
    assert_eq!(added.status, 201, "{:?}", added.outcome());
    let id = added.json()["passkey_id"].as_u64().unwrap();
    assert_eq!((&added.json()["name"], &added.json()["operator_id"]), (&json!("Phone"), &json!(min)));
    // The same authenticator is asked for no second one.
    let again = options(&house, NEW, Some(&token)).await;
    assert_eq!(again["public_key"]["excludeCredentials"][0]["id"], encode(&key.credential));

    key.count = 1;
    let signed_in = sign_in(&house, &key).await;
    assert_eq!(signed_in.status, 201, "{:?}", signed_in.outcome());
    assert_eq!(signed_in.json()["operator"]["operator_id"], json!(min));
    let session = signed_in.json()["token"].as_str().unwrap().to_owned();
    let own = house.http("GET", SESSION, Some(&session), "").await.json();
    assert_eq!((&own["way"], &own["operator"]["roles"]), (&json!("passkey"), &json!(["manager"])));
    let listed = house.http("GET", PASSKEYS, Some(&session), "").await.json();
    assert!(listed["passkeys"][0]["used_at"].is_string(), "{listed}");

    // Others see and remove their own alone; an owner helps.
    let (_, other) = house.operator(Role::Manager).await;
    let path = format!("{PASSKEYS}/{id}");
    assert_eq!(house.http("DELETE", &path, Some(&other), "").await.status, 404);
    let theirs = format!("{PASSKEYS}?operator_id={min}");
    assert_eq!(house.http("GET", &theirs, Some(&other), "").await.outcome(), (403, "FORBIDDEN".to_owned()));
    let owner = house.operator_token();
    assert_eq!(house.http("GET", &theirs, Some(&owner), "").await.json(), listed);
    assert_eq!(house.http("DELETE", &path, Some(&owner), "").await.status, 204);
    assert_eq!(house.http("DELETE", &path, Some(&owner), "").await.status, 404);
    key.count = 2;
    assert_eq!(sign_in(&house, &key).await.outcome(), (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(house.http("GET", SESSION, Some(&session), "").await.status, 200);

    let log = house.http("GET", "/api/v1/admin/log", Some(&owner), "").await.json();
    let words: Vec<_> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["what"]).collect();
    assert_eq!(words.iter().filter(|what| **what == "passkey.add").count(), 1);
    let removed = &log["entries"][0];
    assert_eq!((&removed["what"], &removed["was"]), (&json!("passkey.remove"), &json!({"passkey": "Phone"})));
    assert_eq!(removed["subject"], format!("operator {min}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_not_as_it_was_asked_for_is_refused() {
    let house = house().await;
    let (_, token) = house.operator(Role::Owner).await;
    let mut key = Authenticator::new("ada");
    assert_eq!(add(&house, &token, &key, "Key").await.status, 201);
    key.count = 5;
    assert_eq!(sign_in(&house, &key).await.status, 201);

    type Change = fn(&mut Authenticator);
    let lies: [(Change, &str); 8] = [
        (|key| key.origin = "https://tickets.example.net", "another address"),
        (|key| key.origin = "http://tickets.example", "another address"),
        (|key| key.host = "example", "another address"),
        (|key| key.cross_origin = true, "another address"),
        (|key| key.flags = 0x01, "did not look who was there"),
        (|key| key.flags = 0x04, "did not look who was there"),
        (|key| key.count = 5, "used more often elsewhere"),
        (|key| key.credential = b"nobody's".to_vec(), "its signature is not"),
    ];
    for (lie, expected) in lies {
        let mut liar = Authenticator::new("ada");
        liar.key = key.key;
        liar.count = 6;
        lie(&mut liar);
        let (status, detail) = refused(&sign_in(&house, &liar).await);
        assert!(status == 401 && detail.contains(expected), "{expected}: {status} {detail}");
        key.key = liar.key;
    }
    // Somebody else's key with this credential.
    let thief = Authenticator { count: 6, ..Authenticator::new("ada") };
    let (status, detail) = refused(&sign_in(&house, &thief).await);
    assert!(status == 401 && detail.contains("its signature is not"), "{status} {detail}");

    // Of adding one, the same; and what is somebody's is nobody else's.
    for (lie, expected) in &lies[..6] {
        let mut liar = Authenticator::new("new");
        lie(&mut liar);
        let (status, detail) = refused(&add(&house, &token, &liar, "Key").await);
        assert!(status == 400 && detail.contains(expected), "{expected}: {status} {detail}");
    }
    let (status, detail) = refused(&add(&house, &token, &thief, "Key").await);
    assert!(status == 400 && detail.contains("somebody's already"), "{status} {detail}");
    for name in ["", " ", "a\nb"] {
        assert_eq!(add(&house, &token, &Authenticator::new("new"), name).await.status, 400, "{name:?}");
    }
    // Rubbish in each field.
    let begun = options(&house, CHALLENGE, None).await;
    for field in ["clientDataJSON", "authenticatorData", "signature"] {
        for rubbish in ["", "=", "AA", &"A".repeat(8_000)] {
            let mut body = key.used(&begun);
            body["passkey"]["credential"]["response"][field] = json!(rubbish);
            let reply = house.http("POST", SESSION, None, &body.to_string()).await;
            assert_eq!(reply.outcome(), (401, "UNAUTHENTICATED".to_owned()), "{field} {rubbish}");
        }
    }
    for body in ["{}", r#"{"link": "x", "passkey": null, "more": 1}"#, r#"{"passkey": {}}"#] {
        assert_eq!(house.http("POST", SESSION, None, body).await.status, 400, "{body}");
    }
    // After all that it still signs in.
    key.count = 6;
    assert_eq!(sign_in(&house, &key).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceremony_is_finished_once_in_its_time_and_for_its_purpose() {
    let house = house().await;
    let (_, token) = house.operator(Role::Owner).await;
    let (_, other) = house.operator(Role::Owner).await;
    let key = Authenticator::new("ada");
    let begun = options(&house, NEW, Some(&token)).await;
    let body = key.made(&begun, "Key").to_string();
    // Somebody else's, and one for signing in.
    assert_eq!(house.http("POST", PASSKEYS, Some(&other), &body).await.status, 400);
    let signing = options(&house, CHALLENGE, None).await;
    let mixed = key.made(&signing, "Key").to_string();
    assert_eq!(house.http("POST", PASSKEYS, Some(&token), &mixed).await.status, 400);
    assert_eq!(house.http("POST", PASSKEYS, Some(&token), &body).await.status, 201);
    assert_eq!(house.http("POST", PASSKEYS, Some(&token), &body).await.status, 400);

    // Of twenty who send the same, also by an authenticator that does not count, one comes in.
    let begun = options(&house, CHALLENGE, None).await;
    let body = key.used(&begun).to_string();
    let replies = join_all((0..20).map(|_| house.http("POST", SESSION, None, &body))).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort();
    assert_eq!(statuses, [&[201][..], &[401; 19]].concat());

    // A forged one, one whose time was made longer, and one that is over.
    let begun = options(&house, CHALLENGE, None).await;
    let said = begun["ceremony"].as_str().unwrap();
    let later = said.replacen("sign_in:0:", "sign_in:0:9", 1);
    for forged in ["", "passkey:sign_in:0:9999999999999:x.y", &later, said.trim_end_matches('A'), &token] {
        if forged != said {
            let mut body = key.used(&begun);
            body["passkey"]["ceremony"] = json!(forged);
            assert_eq!(house.http("POST", SESSION, None, &body.to_string()).await.status, 401, "{forged}");
        }
    }
    house.advance(299);
    assert_eq!(house.http("POST", SESSION, None, &key.used(&begun).to_string()).await.status, 201);
    let begun = options(&house, CHALLENGE, None).await;
    house.advance(300);
    assert_eq!(house.http("POST", SESSION, None, &key.used(&begun).to_string()).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_have_one_and_how_many() {
    let house = house().await;
    // A token's bearer is signed in by whoever made the token.
    let unnamed = house.operator_token();
    assert_eq!(house.http("POST", NEW, Some(&unnamed), "").await.status, 400);
    assert_eq!(house.http("GET", PASSKEYS, Some(&unnamed), "").await.json(), json!({"passkeys": []}));
    let (id, token) = house.operator(Role::Viewer).await;
    let keys: Vec<_> = (0..=PASSKEYS_MAX).map(|n| Authenticator::new(&n.to_string())).collect();
    for (n, key) in keys.iter().enumerate() {
        let (status, detail) = refused(&add(&house, &token, key, &format!("Key {n}")).await);
        let expected = if n < PASSKEYS_MAX { 201 } else { 400 };
        assert_eq!(status, expected, "{n}: {detail}");
    }
    // Whoever is shut out does not come in by one.
    assert_eq!(sign_in(&house, &keys[3]).await.status, 201);
    let path = format!("/api/v1/admin/operators/{id}");
    let patch = json!({"disabled": true}).to_string();
    assert_eq!(house.http("PATCH", &path, Some(&unnamed), &patch).await.status, 200);
    assert_eq!(sign_in(&house, &keys[3]).await.outcome(), (401, "UNAUTHENTICATED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_no_name_for_a_passkey() {
    let house = House::open(Plan::default()).await;
    let (_, token) = house.operator(Role::Owner).await;
    for (path, token) in [(NEW, Some(&*token)), (CHALLENGE, None)] {
        let (status, detail) = refused(&house.http("POST", path, token, "").await);
        assert!(status == 400 && detail.contains("localhost"), "{path}: {status} {detail}");
    }
}
