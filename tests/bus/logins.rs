//! How a node logs in, and whom it trusts.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontrow::bus::carrier::{Brought, Carrier, To};
use frontrow::bus::nats::{Login, Options, Trust};
use frontrow_testing::nats::Server;
use nkeys::KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Node, meet, options, until};

/// A file of `tests/tls`.
fn tls(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn file(folder: &TempDir, content: &str) -> PathBuf {
    let path = folder.path().join("secret");
    std::fs::write(&path, content).unwrap();
    path
}

/// Two nodes that log in like this hear each other.
async fn can_talk(server: &Server, login: &Login) {
    let mut nodes = Vec::new();
    for number in 1..=2 {
        let options = Options { login: login.clone(), ..options(vec![server.url()]) };
        let mut node = Node::with(number, options).await;
        node.made_anew().await;
        nodes.push(node);
    }
    let [a, b] = &mut nodes[..] else { unreachable!() };
    meet(a, b).await;
}

#[tokio::test]
async fn by_user_and_password_also_one_that_is_put_right_meanwhile() {
    let server = Server::start("authorization { user: frontrow, password: hush }").await;
    let folder = tempfile::tempdir().unwrap();
    let login = Login::User("frontrow".to_owned(), file(&folder, "wrong\n"));
    let mut node = Node::with(3, Options { login: login.clone(), ..options(vec![server.url()]) }).await;
    server.says("authentication error").await;
    assert!(node.nats.out_since().is_some() && !*node.nats.connected().borrow());
    file(&folder, "hush\n");
    node.made_anew().await;
    can_talk(&server, &login).await;
}

#[tokio::test]
async fn by_nkey() {
    let pair = KeyPair::new_user();
    let server =
        Server::start(&format!("authorization {{ users: [ {{ nkey: {} }} ] }}", pair.public_key())).await;
    let folder = tempfile::tempdir().unwrap();
    can_talk(&server, &Login::Nkey(file(&folder, &format!("{}\n", pair.seed().unwrap())))).await;
}

#[tokio::test]
async fn who_may_not_hear_what_is_theirs_has_no_bus_until_they_may() {
    let allowed = |prefix: &str| {
        format!(
            "authorization {{ users: [ {{ user: frontrow, password: hush, permissions: {{ publish: \"frontrow.>\", \
             subscribe: \"frontrow.{prefix}.>\" }} }} ] }}"
        )
    };
    let mut server = Server::start(&allowed("another")).await;
    let folder = tempfile::tempdir().unwrap();
    let login = Login::User("frontrow".to_owned(), file(&folder, "hush"));
    let options = Options { login, ..options(vec![server.url()]) };
    let mut node = Node::with(1, options.clone()).await;
    server.says("Subscription Violation").await;
    while node.next().await != Brought::MayBeLost {}
    until(|| node.nats.out_since().is_some() && !node.send(To::All, "into the void")).await;
    server.reload(&allowed("test")).await;
    until(|| node.send(To::All, "to whoever is there")).await;
    let mut other = Node::with(2, options).await;
    other.made_anew().await;
    until(|| {
        other.send(To::Node(node.number), "hello");
        matches!(node.brought.try_recv(), Ok(Brought::Message(_)))
    })
    .await;
}

/// A JWT as `nsc` makes them.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: Value) -> String {
    let claims = json!({
        "jti": "TEST", "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "test",
        "sub": subject.public_key(), "nats": nats,
    });
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encoded(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), encoded(&claims));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn by_credentials_of_an_account() {
    let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
        "leaf": -1,
    });
    let server = Server::start(&format!(
        "operator: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {} }}",
        jwt(&operator, &operator, json!({ "type": "operator", "version": 2 })),
        account.public_key(),
        jwt(&operator, &account, json!({ "type": "account", "version": 2, "limits": limits })),
    ))
    .await;
    let nats =
        json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {} });
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        jwt(&account, &user, nats),
        user.seed().unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    can_talk(&server, &Login::Credentials(file(&folder, &credentials))).await;
}

fn with_tls(more: &str) -> String {
    let (cert, key) = (tls("first.pem"), tls("first.key"));
    format!("tls {{ cert_file: \"{}\", key_file: \"{}\"{more} }}", cert.display(), key.display())
}

/// A node that trusts like this, and how it is to come to the server.
async fn node(number: u32, server: &Server, scheme: &str, trust: Trust) -> Node {
    let url = server.url().replace("nats", scheme);
    Node::with(number, Options { trust, ..options(vec![url]) }).await
}

#[tokio::test]
async fn over_tls_to_a_server_that_the_authority_vouches_for() {
    let server = Server::start(&with_tls("")).await;
    let trust = Trust { ca: Some(tls("ca.pem")), own: None };
    // A server that insists on it has it, whatever the URL says.
    let (mut a, mut b) =
        (node(1, &server, "tls", trust.clone()).await, node(2, &server, "nats", trust.clone()).await);
    a.made_anew().await;
    b.made_anew().await;
    meet(&mut a, &mut b).await;
    let stranger = node(3, &server, "tls", Trust::default()).await;
    server.says("TLS handshake error").await;
    assert!(stranger.nats.out_since().is_some());
}

#[tokio::test]
async fn not_without_tls_where_the_url_asks_for_it() {
    let server = Server::start("").await;
    let trust = Trust { ca: Some(tls("ca.pem")), own: None };
    let node = node(1, &server, "tls", trust).await;
    server.says("Client parser ERROR").await;
    assert!(node.nats.out_since().is_some() && node.metrics.bus_connections.get() == 0);
}

#[tokio::test]
async fn over_tls_by_a_certificate_of_our_own() {
    let ca = tls("ca.pem");
    let server = Server::start(&with_tls(&format!(", ca_file: \"{}\", verify: true", ca.display()))).await;
    let own = Some((tls("second.pem"), tls("second.key")));
    let known = Trust { ca: Some(ca.clone()), own };
    let (mut a, mut b) = (node(1, &server, "tls", known.clone()).await, node(2, &server, "tls", known).await);
    a.made_anew().await;
    b.made_anew().await;
    meet(&mut a, &mut b).await;
    let stranger = node(3, &server, "tls", Trust { ca: Some(ca), own: None }).await;
    server.says("TLS handshake error").await;
    assert!(stranger.nats.out_since().is_some());
}
