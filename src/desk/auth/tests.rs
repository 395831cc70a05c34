use super::*;
use crate::config::IssuerKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const OWNER: RoleSet = RoleSet::of(&[Role::Owner]);

// Keys made for these tests and used nowhere else.
const RSA_PRIVATE: &str = include_str!("../testdata/rsa.private.pem");
const RSA_PUBLIC: &str = include_str!("../testdata/rsa.public.pem");
const EC_PRIVATE: &str = include_str!("../testdata/ec.private.pem");
const EC_PUBLIC: &str = include_str!("../testdata/ec.public.pem");
const ED_PRIVATE: &str = include_str!("../testdata/ed.private.pem");
const ED_PUBLIC: &str = include_str!("../testdata/ed.public.pem");

fn config(key: Option<IssuerKey>) -> AuthConfig {
    AuthConfig { key, operators: true, ..AuthConfig::default() }
}

fn open(config: &AuthConfig) -> Auth {
    let folder = tempfile::tempdir().unwrap();
    Auth::open(folder.path(), config).unwrap()
}

fn with_pem(pem: &str) -> Result<Auth, KeyError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, pem).unwrap();
    Auth::open(folder.path(), &config(Some(IssuerKey::PemFile(path))))
}

fn signed(algorithm: Algorithm, key: &EncodingKey, kid: Option<&str>, claims: &serde_json::Value) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn external(issuer: &str, subject: &str) -> Subject {
    Subject::External { issuer: issuer.to_owned(), subject: subject.to_owned() }
}

fn subject(auth: &Auth, token: &str) -> Result<Subject, TokenError> {
    auth.verify(token, NOW).map(|verified| verified.subject)
}

#[test]
fn our_own_token_is_good_until_its_end() {
    let auth = open(&config(None));
    let token = auth.mint_user(UserId(7), NOW, MINUTE);
    let ends_at = NOW + MINUTE;
    let verified = Verified { subject: Subject::User(UserId(7)), roles: RoleSet::NONE, ends_at };
    assert_eq!(auth.verify(&token, NOW), Ok(verified.clone()));
    assert_eq!(auth.verify(&token, NOW + MINUTE - Duration::from_millis(1)), Ok(verified));
    assert_eq!(auth.verify(&token, NOW + MINUTE), Err(TokenError::Expired));
}

#[test]
fn an_operators_token_says_so_and_names_no_user() {
    let auth = open(&config(None));
    let token = auth.mint_operator(NOW, MINUTE);
    let verified = Verified { subject: Subject::Nobody, roles: OWNER, ends_at: NOW + MINUTE };
    assert_eq!(auth.verify(&token, NOW), Ok(verified));
}

/// Goal: a role comes by a session, which can be taken away, and not by a token of our own that outlives it.
#[test]
fn our_own_tokens_have_no_other_role() {
    let auth = open(&config(None));
    for role in ["owner", "manager", "viewer"] {
        let claims = json!({"sub": "7", "role": role, "exp": NOW.as_millis() / 1000 + 60});
        let token = signed(Algorithm::HS256, &auth.own.encoding, Some(OWN_KEY_ID), &claims);
        assert_eq!(auth.verify(&token, NOW).unwrap().roles, RoleSet::NONE, "{role}");
    }
}

#[test]
fn the_key_stays_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new").join("data");
    let first = Auth::open(&data, &config(None)).unwrap();
    let second = Auth::open(&data, &config(None)).unwrap();
    let token = first.mint_user(UserId(1), NOW, MINUTE);
    assert_eq!(subject(&second, &token), Ok(Subject::User(UserId(1))));
    assert_eq!(subject(&open(&config(None)), &token), Err(TokenError::Invalid), "another folder's key");
    let mode = std::fs::metadata(data.join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    std::fs::write(data.join(KEY_FILE), "short").unwrap();
    assert!(matches!(Auth::open(&data, &config(None)), Err(KeyError::NotOurKey { .. })));
}

#[test]
fn what_is_no_good_token_is_refused() {
    let auth = open(&config(None));
    let good = auth.mint_user(UserId(7), NOW, MINUTE);
    let parts: Vec<_> = good.split('.').collect();
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.";
    for forged in [
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
        unsigned.to_owned(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], "eyJzdWIiOiI4IiwiZXhwIjo5OTk5OTk5OTk5fQ", parts[2]),
    ] {
        assert_eq!(subject(&auth, &forged), Err(TokenError::Invalid), "{forged:.40}");
    }
}

#[test]
fn an_issuers_token_needs_an_end_and_a_subject() {
    let auth = open(&config(Some(IssuerKey::Hs256Secret("hush".to_owned()))));
    let key = EncodingKey::from_secret(b"hush");
    let second = NOW.as_millis() / 1000;
    for (claims, expected) in [
        (json!({"sub": "a", "exp": second + 1}), Ok(external("", "a"))),
        (json!({"sub": 5, "exp": second + 1, "iss": "i"}), Ok(external("i", "5"))),
        (json!({"sub": "a", "exp": second}), Err(TokenError::Expired)),
        (json!({"sub": "a"}), Err(TokenError::WithoutEnd)),
        (json!({"exp": second + 1}), Err(TokenError::WithoutSubject)),
        (json!({"sub": "", "exp": second + 1}), Err(TokenError::WithoutSubject)),
        (json!({"sub": "a", "exp": "never"}), Err(TokenError::Invalid)),
        (json!({"sub": "a", "exp": second + 99, "nbf": second + 30}), Ok(external("", "a"))),
        (json!({"sub": "a", "exp": second + 99, "nbf": second + 61}), Err(TokenError::TooEarly)),
    ] {
        let token = signed(Algorithm::HS256, &key, None, &claims);
        assert_eq!(subject(&auth, &token), expected, "{claims}");
    }
    let other = EncodingKey::from_secret(b"other");
    let token = signed(Algorithm::HS256, &other, None, &json!({"sub": "a", "exp": second + 1}));
    assert_eq!(subject(&auth, &token), Err(TokenError::Invalid));
    let own = auth.mint_user(UserId(7), NOW, MINUTE);
    assert_eq!(subject(&auth, &own), Ok(Subject::User(UserId(7))), "our own stay good beside an issuer's");
}

#[test]
fn issuer_and_audience_are_checked_when_they_are_set() {
    let auth = open(&AuthConfig {
        issuer: Some("https://id.example".to_owned()),
        audience: Some("frontrow".to_owned()),
        ..config(Some(IssuerKey::Hs256Secret("hush".to_owned())))
    });
    let key = EncodingKey::from_secret(b"hush");
    let exp = NOW.as_millis() / 1000 + 1;
    for (iss, aud, good) in [
        (json!("https://id.example"), json!("frontrow"), true),
        (json!("https://id.example"), json!(["x", "frontrow"]), true),
        (json!("https://id.example"), json!("x"), false),
        (json!("https://other.example"), json!("frontrow"), false),
        (json!(null), json!("frontrow"), false),
        (json!("https://id.example"), json!(null), false),
    ] {
        let mut claims = json!({"sub": "a", "exp": exp, "iss": iss, "aud": aud});
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let token = signed(Algorithm::HS256, &key, None, &claims);
        assert_eq!(subject(&auth, &token).is_ok(), good, "{claims}");
    }
}

#[test]
fn a_pem_files_key_decides_the_algorithm() {
    let claims = json!({"sub": "a", "exp": NOW.as_millis() / 1000 + 1});
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
    let ed = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    for (public, algorithm) in
        [(RSA_PUBLIC, Algorithm::RS256), (EC_PUBLIC, Algorithm::ES256), (ED_PUBLIC, Algorithm::EdDSA)]
    {
        let auth = with_pem(public).unwrap();
        for (used, key) in [(Algorithm::RS256, &rsa), (Algorithm::ES256, &ec), (Algorithm::EdDSA, &ed)] {
            let token = signed(used, key, None, &claims);
            assert_eq!(subject(&auth, &token).is_ok(), used == algorithm, "{used:?} for {algorithm:?}");
        }
        // The public key is known to all: it must not do as an HMAC secret.
        let confused = signed(Algorithm::HS256, &EncodingKey::from_secret(public.as_bytes()), None, &claims);
        assert_eq!(subject(&auth, &confused), Err(TokenError::Invalid));
    }
    assert!(matches!(with_pem(RSA_PRIVATE), Err(KeyError::Private { .. })));
    assert!(matches!(with_pem("nothing"), Err(KeyError::NotAPublicKey { .. })));
}

#[test]
fn a_key_set_is_searched_by_key_id() {
    let ed = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
    let jwk = |key: &EncodingKey, algorithm, kid: &str| {
        let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        jwk
    };
    let symmetric = Jwk::from_encoding_key(&EncodingKey::from_secret(b"hush"), Algorithm::HS256).unwrap();
    let keys = [jwk(&ed, Algorithm::EdDSA, "ed"), jwk(&ec, Algorithm::ES256, "ec"), symmetric];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let write = |value: &serde_json::Value| std::fs::write(&path, value.to_string()).unwrap();
    let auth_config = config(Some(IssuerKey::JwksFile(path.clone())));
    write(&json!({"keys": keys}));
    let auth = Auth::open(folder.path(), &auth_config).unwrap();
    let claims = json!({"sub": "a", "exp": NOW.as_millis() / 1000 + 1});
    for (algorithm, key, kid, good) in [
        (Algorithm::EdDSA, &ed, Some("ed"), true),
        (Algorithm::ES256, &ec, Some("ec"), true),
        (Algorithm::ES256, &ec, None, true),
        (Algorithm::ES256, &ec, Some("ed"), false),
        (Algorithm::ES256, &ec, Some("unknown"), false),
        (Algorithm::HS256, &EncodingKey::from_secret(b"hush"), None, false),
    ] {
        let token = signed(algorithm, key, kid, &claims);
        assert_eq!(subject(&auth, &token).is_ok(), good, "{algorithm:?} {kid:?}");
    }
    write(&json!({"keys": [keys[2]]}));
    assert!(matches!(Auth::open(folder.path(), &auth_config), Err(KeyError::NoUsableKey { .. })));
    write(&json!([]));
    assert!(matches!(Auth::open(folder.path(), &auth_config), Err(KeyError::NotAKeySet { .. })));
}

#[test]
fn an_issuers_operators_count_where_they_are_trusted() {
    let key = EncodingKey::from_secret(b"hush");
    let (manager, viewer) = (RoleSet::of(&[Role::Manager]), RoleSet::of(&[Role::Viewer]));
    for (trusted, role, roles) in [
        (true, json!("operator"), OWNER),
        (true, json!("owner"), OWNER),
        (true, json!("manager"), manager),
        (true, json!(["box_office", "door", 5, "fan"]), RoleSet::of(&[Role::BoxOffice, Role::Door])),
        (true, json!(["viewer", "viewer"]), viewer),
        (true, json!("admin"), RoleSet::NONE),
        (true, json!("Owner"), RoleSet::NONE),
        (false, json!("operator"), RoleSet::NONE),
        (false, json!(["owner", "viewer"]), RoleSet::NONE),
    ] {
        let secret = Some(IssuerKey::Hs256Secret("hush".to_owned()));
        let auth = open(&AuthConfig { operators: trusted, ..config(secret) });
        let claims = json!({"sub": "a", "role": role, "exp": NOW.as_millis() / 1000 + 1});
        let token = signed(Algorithm::HS256, &key, None, &claims);
        assert_eq!(auth.verify(&token, NOW).unwrap().roles, roles, "{role}");
    }
}

/// A token with any header, as libraries that are less strict than ours make it.
fn with_header(header: &serde_json::Value, claims: &serde_json::Value, key: &EncodingKey) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let algorithm = keys::algorithm(header["alg"].as_str().unwrap()).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn good_claims() -> serde_json::Value {
    json!({"sub": "a", "exp": NOW.as_millis() / 1000 + 1})
}

#[test]
fn a_header_says_what_the_token_is_for() {
    let auth = open(&config(Some(IssuerKey::Hs256Secret("hush".to_owned()))));
    let key = EncodingKey::from_secret(b"hush");
    for (header, good) in [
        (json!({"alg": "HS256"}), true),
        (json!({"alg": "HS256", "typ": "JWT"}), true),
        (json!({"alg": "HS256", "typ": "at+jwt"}), true),
        (json!({"alg": "HS256", "typ": "application/AT+JWT"}), true),
        // Nothing is expected of a header that is unknown, unless it says that it is critical.
        (json!({"alg": "HS256", "x": 1}), true),
        (json!({"alg": "HS256", "x": 1, "crit": ["x"]}), false),
        (json!({"alg": "HS256", "crit": []}), false),
        (json!({"alg": "HS256", "crit": null}), false),
        (json!({"alg": "HS256", "b64": false, "crit": ["b64"]}), false),
        // Tokens of other kinds that the same issuer signs with the same key.
        (json!({"alg": "HS256", "typ": "dpop+jwt"}), false),
        (json!({"alg": "HS256", "typ": "DPoP+JWT"}), false),
        (json!({"alg": "HS256", "typ": "application/dpop+jwt"}), false),
        (json!({"alg": "HS256", "typ": "logout+jwt"}), false),
        (json!({"alg": "HS256", "typ": "secevent+jwt"}), false),
    ] {
        let token = with_header(&header, &good_claims(), &key);
        assert_eq!(subject(&auth, &token).is_ok(), good, "{header}");
    }
    // Our own key is no excuse.
    let own = json!({"alg": "HS256", "kid": OWN_KEY_ID, "crit": ["x"]});
    let token = with_header(&own, &json!({"sub": "7", "exp": good_claims()["exp"]}), &auth.own.encoding);
    assert_eq!(subject(&auth, &token), Err(TokenError::Invalid));
}

#[test]
fn eddsa_has_two_names() {
    let key = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    let auth = with_pem(ED_PUBLIC).unwrap();
    for name in ["EdDSA", "Ed25519"] {
        let token = with_header(&json!({"alg": name}), &good_claims(), &key);
        assert_eq!(subject(&auth, &token), Ok(external("", "a")), "{name}");
    }
    // A key set may name either, too, beside keys that nobody here knows.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    for name in ["EdDSA", "Ed25519"] {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::EdDSA).unwrap()).unwrap();
        jwk["alg"] = json!(name);
        let strange =
            [json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}), json!({"kty": 5}), json!(null)];
        let set = json!({"keys": [strange[0], strange[1], jwk, strange[2]]});
        std::fs::write(&path, set.to_string()).unwrap();
        let auth = Auth::open(folder.path(), &config(Some(IssuerKey::JwksFile(path.clone())))).unwrap();
        let token = with_header(&json!({"alg": "Ed25519"}), &good_claims(), &key);
        assert_eq!(subject(&auth, &token), Ok(external("", "a")), "{name}");
    }
}

#[test]
fn roles_and_ids_are_read_where_the_issuer_puts_them() {
    let key = EncodingKey::from_secret(b"hush");
    let read = |role_claim: &str, subject_claim: &str, more: serde_json::Value| {
        let auth = open(&AuthConfig {
            role_claim: role_claim.to_owned(),
            subject_claim: subject_claim.to_owned(),
            ..config(Some(IssuerKey::Hs256Secret("hush".to_owned())))
        });
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let verified = auth.verify(&signed(Algorithm::HS256, &key, None, &claims), NOW);
        verified.map(|verified| (verified.subject, !verified.roles.is_empty()))
    };
    let a = |operator| Ok((external("", "a"), operator));
    let keycloak = json!({"realm_access": {"roles": ["offline_access", "operator"]}, "role": "fan"});
    assert_eq!(read("realm_access.roles", "sub", keycloak.clone()), a(true));
    assert_eq!(read("role", "sub", keycloak.clone()), a(false));
    assert_eq!(read("role", "sub", json!({"role": ["fan", "operator"]})), a(true));
    assert_eq!(read("role", "sub", json!({"role": ["operators", "Operator"]})), a(false));
    assert_eq!(read("role", "sub", json!({"role": {"operator": true}})), a(false));
    assert_eq!(read("role", "sub", json!({"role": ["fan", 5, null]})), a(false));
    assert_eq!(read("realm_access.roles", "sub", json!({"realm_access": "operator"})), a(false));
    // Names that have dots themselves.
    let namespaced = json!({"https://tickets.example/roles": ["operator"], "https://tickets": {"id": "b"}});
    assert_eq!(read("https://tickets.example/roles", "https://tickets.id", namespaced), {
        Ok((external("", "b"), true))
    });
    assert_eq!(read("role", "identity.id", json!({"identity": {"id": 5}})), Ok((external("", "5"), false)));
    assert_eq!(read("role", "identity.id", json!({})), Err(TokenError::WithoutSubject));
    assert_eq!(read("role", "sub", json!({"sub": ["a"]})), Err(TokenError::Invalid));
}

#[test]
fn an_issuer_makes_no_operators_by_default() {
    assert!(!AuthConfig::default().operators);
}

#[test]
fn a_subject_that_nothing_can_keep_is_the_tokens_fault() {
    let auth = open(&config(Some(IssuerKey::Hs256Secret("hush".to_owned()))));
    let key = EncodingKey::from_secret(b"hush");
    let exp = good_claims()["exp"].clone();
    let longest = "가".repeat(SUBJECT_BYTES_MAX / 3) + "ab";
    for (claims, expected) in [
        (json!({"sub": longest, "exp": exp}), Ok(external("", &longest))),
        (json!({"sub": format!("{longest}c"), "exp": exp}), Err(TokenError::SubjectTooLong)),
        (json!({"sub": "a", "iss": format!("{longest}c"), "exp": exp}), Err(TokenError::SubjectTooLong)),
        (json!({"sub": "a\0b", "exp": exp}), Err(TokenError::Invalid)),
        (json!({"sub": "a\u{1b}[2J", "exp": exp}), Err(TokenError::Invalid)),
        (json!({"sub": "a", "iss": "i\n", "exp": exp}), Err(TokenError::Invalid)),
    ] {
        assert_eq!(subject(&auth, &signed(Algorithm::HS256, &key, None, &claims)), expected, "{claims:.60}");
    }
}

#[test]
fn the_log_names_the_check_that_failed_and_what_was_found() {
    let auth = open(&AuthConfig {
        issuer: Some("https://id.example".to_owned()),
        audience: Some("frontrow".to_owned()),
        ..config(Some(IssuerKey::Hs256Secret("hush".to_owned())))
    });
    let key = EncodingKey::from_secret(b"hush");
    let second = NOW.as_millis() / 1000;
    let good = json!({"sub": "a", "iss": "https://id.example", "aud": "frontrow", "exp": second + 1});
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signed(Algorithm::HS256, &key, None, &claims)
    };
    let header = |header: serde_json::Value| with_header(&header, &good, &key);
    let other = signed(Algorithm::HS256, &EncodingKey::from_secret(b"other"), Some("k"), &good);
    for (token, check, found) in [
        ("aaaa.zzzz".to_owned(), "form", "three parts"),
        ("x".repeat(9_000), "length", "9000 bytes"),
        (header(json!({"alg": "HS256", "crit": ["x"]})), "crit", "[\"x\"]"),
        (header(json!({"alg": "HS256", "typ": "dpop+jwt"})), "typ", "dpop+jwt"),
        (other, "signature", "kid k"),
        (with("aud", json!(["web", "app"])), "aud", "[\"web\",\"app\"]"),
        (with("iss", json!("https://other.example")), "iss", "https://other.example"),
        (with("exp", json!(second - 7)), "exp", "7 s ago"),
        (with("exp", json!("never")), "exp", "\"never\""),
        (with("nbf", json!(second + 100)), "nbf", "in 100 s"),
        (with("sub", json!("")), "sub", "nothing at `sub`"),
    ] {
        let fault = auth.judge(&token, NOW).unwrap_err();
        assert!(fault.check == check && fault.found.contains(found), "{fault:?} instead of {check}, {found}");
        // Nothing that could be used: neither the token nor its signature.
        assert!(!fault.found.contains(token.rsplit('.').next().unwrap()), "{fault:?}");
    }
    // A stranger does not decide how long a line is.
    let long = auth.judge(&with("iss", json!("x".repeat(4_000))), NOW).unwrap_err();
    assert!(long.found.chars().count() <= FOUND_CHARS_MAX + 1);
    // The other algorithm is named before any signature is tried.
    let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
    let fault = auth.judge(&signed(Algorithm::ES256, &ec, None, &good), NOW).unwrap_err();
    assert_eq!((fault.check, &*fault.found), ("alg", "ES256"));
}

#[test]
fn the_log_is_not_filled_by_strangers() {
    let auth = open(&config(None));
    for _ in 0..1_000 {
        assert_eq!(auth.verify("a.b.c", NOW), Err(TokenError::Invalid));
    }
    let unlogged = auth.refusals.lock().unlogged;
    assert!((970..1_000).contains(&unlogged), "{unlogged} were left out");
    assert_eq!(auth.verify("a.b.c", NOW + MINUTE), Err(TokenError::Invalid));
    assert_eq!(auth.refusals.lock().unlogged, 0, "the next line says how many");
}

#[test]
fn a_key_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let replace = |text: &str| {
        // Another file takes the name, as deployments do it.
        std::fs::write(folder.path().join("next"), text).unwrap();
        std::fs::rename(folder.path().join("next"), &path).unwrap();
    };
    let key = |pem: &str, algorithm, kid: &str| {
        let key = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        let key = key.unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        (signed(algorithm, &key, Some(kid), &good_claims()), jwk)
    };
    let (old_token, old) = key(EC_PRIVATE, Algorithm::ES256, "old");
    let (new_token, new) = key(ED_PRIVATE, Algorithm::EdDSA, "new");
    replace(&json!({"keys": [old]}).to_string());
    let auth = Auth::open(folder.path(), &config(Some(IssuerKey::JwksFile(path.clone())))).unwrap();
    let good = |token: &str| {
        auth.reread_keys();
        subject(&auth, token).is_ok()
    };
    assert!(good(&old_token) && !good(&new_token));
    replace(&json!({"keys": [old, new]}).to_string());
    assert!(good(&old_token) && good(&new_token), "both while the issuer changes over");
    replace(&json!({"keys": [new]}).to_string());
    assert!(!good(&old_token) && good(&new_token));
    // A file that cannot be used changes nothing, and the next one mends it.
    for bad in ["{\"keys\": [", "{\"keys\": []}", ""] {
        replace(bad);
        assert!(good(&new_token), "{bad}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(good(&new_token), "a file that is gone takes no key away");
    replace(&json!({"keys": [old]}).to_string());
    assert!(good(&old_token) && !good(&new_token));

    // A key in PEM is no different.
    std::fs::write(&path, ED_PUBLIC).unwrap();
    let auth = Auth::open(folder.path(), &config(Some(IssuerKey::PemFile(path.clone())))).unwrap();
    assert!(subject(&auth, &new_token).is_ok());
    replace(EC_PUBLIC);
    auth.reread_keys();
    assert!(subject(&auth, &new_token).is_err() && subject(&auth, &old_token).is_ok());
}

#[test]
fn no_error_about_a_key_says_what_stands_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for (text, source) in [
        ("\"hush hush\"".to_owned(), IssuerKey::JwksFile(path.clone())),
        ("{\"keys\": \"hush hush\"}".to_owned(), IssuerKey::JwksFile(path.clone())),
        ("{\"hush hush\": [1, }".to_owned(), IssuerKey::JwksFile(path.clone())),
        ("hush hush".to_owned(), IssuerKey::PemFile(path.clone())),
        (RSA_PRIVATE.to_owned(), IssuerKey::PemFile(path.clone())),
    ] {
        std::fs::write(&path, &text).unwrap();
        let error = Auth::open(folder.path(), &config(Some(source))).err().expect("this is no key");
        let message = format!("{:#}", anyhow::Error::from(error));
        assert!(!message.contains("hush") && !message.contains("MII"), "{message}");
    }
    std::fs::write(folder.path().join(KEY_FILE), "hush hush").unwrap();
    let message =
        format!("{:#}", anyhow::Error::from(Auth::open(folder.path(), &config(None)).err().unwrap()));
    assert!(!message.contains("hush"), "{message}");
}
