//! What every backend that keeps operators must do, written once. Each test gets a store of its own, freshly made.

use std::time::Duration;

use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::ids::OperatorId;
use frontrow::domain::time::Timestamp;
use frontrow::limits::OPERATOR_SESSIONS_MAX;
use frontrow::store::Store;
use frontrow::store::operators::{
    ChangeOutcome, LogQuery, NewLink, NewSession, Note, OperatorChange, OperatorRecord, Operators, Seen,
};
use frontrow::store::passkeys::{AddOutcome, Ceremony, NewPasskey, PasskeyKey, Passkeys};
use frontrow_protocol::Role;
use frontrow_protocol::limits::PASSKEYS_MAX;
use futures_util::future::join_all;
use serde_json::json;

/// Makes a test of every function here for one backend. `$open` gives `(store, whatever must outlive it)`.
#[macro_export]
macro_rules! operators_tests {
    ($open:expr; $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (store, _keep) = $open.await;
            $crate::operators::$name(&store).await;
        }
    )*};
    ($open:expr) => {
        $crate::operators_tests!($open;
            a_link_signs_in_once_whoever_comes_first
            a_link_that_is_over_or_replaced_signs_nobody_in
            a_session_is_found_until_it_ends
            one_more_session_than_there_may_be_ends_the_oldest
            whoever_is_shut_out_has_neither_session_nor_link
            the_last_owner_stays_one_also_when_two_go_at_once
            a_change_of_what_is_not_so_any_more_is_refused
            an_issuers_operator_is_one_whatever_their_role
            a_passkey_is_used_once_a_ceremony_and_counts_upwards
            a_credential_is_one_operators_and_one_has_so_many
            the_log_tells_every_change_and_nothing_secret
        );
    };
}

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn of(store: &dyn Store) -> &dyn Operators {
    store.operators().expect("this store keeps operators")
}

fn note() -> Note {
    Note { by: Actor { who: Who::Unnamed, from: Some("::1".into()) }, at: NOW }
}

fn link(n: u8) -> NewLink {
    NewLink { secret: [n; 32], expires_at: NOW + 15 * MINUTE }
}

fn session(n: u8) -> NewSession {
    NewSession { secret: [n; 32], expires_at: NOW + 12 * HOUR, device: Some("Browser".to_owned()) }
}

async fn add(store: &dyn Store, name: &str, role: Role, secret: u8) -> OperatorRecord {
    of(store).add_operator(name, role, Some(link(secret)), &note()).await.unwrap()
}

async fn set(store: &dyn Store, id: OperatorId, change: OperatorChange) -> ChangeOutcome {
    of(store).change_operator(id, &change, &note()).await.unwrap()
}

fn role(role: Role) -> OperatorChange {
    OperatorChange { role: Some(role), ..OperatorChange::default() }
}

fn disabled(disabled: bool) -> OperatorChange {
    OperatorChange { disabled: Some(disabled), ..OperatorChange::default() }
}

/// The words of the log, oldest first.
async fn logged(store: &dyn Store) -> Vec<String> {
    let mut log = of(store).log(&LogQuery { limit: 200, ..LogQuery::default() }).await.unwrap();
    log.reverse();
    log.into_iter().map(|entry| entry.what).collect()
}

pub async fn a_link_signs_in_once_whoever_comes_first(store: &dyn Store) {
    let min = add(store, "Min", Role::Manager, 1).await;
    assert_eq!(of(store).operator(min.id).await.unwrap().as_ref(), Some(&min));
    let tries = (10..30)
        .map(|n| async move { of(store).sign_in([1; 32], &session(n), "192.0.2.1", NOW).await.unwrap() });
    let begun: Vec<_> = join_all(tries).await.into_iter().flatten().collect();
    let [begun] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!((&begun.operator, begun.from.as_deref()), (&min, Some("192.0.2.1")));
    assert_eq!((begun.expires_at, begun.device.as_deref()), (NOW + 12 * HOUR, Some("Browser")));
    assert_eq!(of(store).sessions(Some(min.id), NOW).await.unwrap(), std::slice::from_ref(begun));
    assert!(of(store).sign_in([2; 32], &session(9), "192.0.2.1", NOW).await.unwrap().is_none());
    assert_eq!(logged(store).await, ["operator.add", "session.begin"]);
}

pub async fn a_link_that_is_over_or_replaced_signs_nobody_in(store: &dyn Store) {
    let min = add(store, "Min", Role::Viewer, 1).await;
    let sign_in = |secret: u8, now| async move {
        of(store).sign_in([secret; 32], &session(secret), "", now).await.unwrap()
    };
    assert!(sign_in(1, NOW + 15 * MINUTE).await.is_none(), "it is over");
    assert!(of(store).add_link(min.id, link(2), &note()).await.unwrap().is_some());
    assert!(sign_in(1, NOW).await.is_none(), "there is a newer one");
    assert!(sign_in(2, NOW + 15 * MINUTE - Duration::from_millis(1)).await.is_some());
    assert!(of(store).add_link(OperatorId(min.id.0 + 1), link(3), &note()).await.unwrap().is_none());
}

pub async fn a_session_is_found_until_it_ends(store: &dyn Store) {
    let min = add(store, "Min", Role::Viewer, 1).await;
    let begun = of(store).sign_in([1; 32], &session(7), "", NOW).await.unwrap().unwrap();
    assert_eq!(of(store).session([7; 32]).await.unwrap().as_ref(), Some(&begun));
    assert_eq!(of(store).session([8; 32]).await.unwrap(), None);
    // Somebody was there; what comes late changes nothing.
    for (seen_at, expires_at) in [(NOW + HOUR, NOW + 13 * HOUR), (NOW + MINUTE, NOW + 12 * HOUR)] {
        of(store).see_session(begun.id, seen_at, expires_at).await.unwrap();
        let seen = of(store).session_of_id(begun.id).await.unwrap().unwrap();
        assert_eq!((seen.seen_at, seen.expires_at), (NOW + HOUR, NOW + 13 * HOUR));
    }
    let other = add(store, "Other", Role::Viewer, 2).await;
    assert!(of(store).end_session(begun.id, Some(other.id), &note()).await.unwrap().is_none(), "not theirs");
    assert_eq!(of(store).session([7; 32]).await.unwrap().unwrap().ended_at, None);
    assert!(of(store).end_session(begun.id, Some(min.id), &note()).await.unwrap().is_some());
    assert_eq!(of(store).session([7; 32]).await.unwrap().unwrap().ended_at, Some(NOW));
    assert!(of(store).end_session(begun.id, None, &note()).await.unwrap().is_none(), "it is over");
    assert_eq!(of(store).sessions(None, NOW).await.unwrap(), []);
}

pub async fn one_more_session_than_there_may_be_ends_the_oldest(store: &dyn Store) {
    let min = add(store, "Min", Role::Viewer, 1).await;
    let mut begun = Vec::new();
    for n in 0..=OPERATOR_SESSIONS_MAX as u8 {
        of(store).add_link(min.id, link(100 + n), &note()).await.unwrap();
        begun.push(of(store).sign_in([100 + n; 32], &session(n), "", NOW).await.unwrap().unwrap().id);
    }
    let live: Vec<_> = of(store).sessions(Some(min.id), NOW).await.unwrap().iter().map(|s| s.id).collect();
    begun.reverse();
    assert_eq!(live, begun[..OPERATOR_SESSIONS_MAX]);
}

pub async fn whoever_is_shut_out_has_neither_session_nor_link(store: &dyn Store) {
    add(store, "Owner", Role::Owner, 1).await;
    let min = add(store, "Min", Role::Viewer, 2).await;
    let begun = of(store).sign_in([2; 32], &session(7), "", NOW).await.unwrap().unwrap();
    of(store).add_link(min.id, link(3), &note()).await.unwrap();
    let ChangeOutcome::Changed(out) = set(store, min.id, disabled(true)).await else { panic!() };
    assert_eq!(out.disabled_at, Some(NOW));
    assert_eq!(of(store).session_of_id(begun.id).await.unwrap().unwrap().ended_at, Some(NOW));
    assert!(of(store).sign_in([3; 32], &session(8), "", NOW).await.unwrap().is_none());
    assert!(of(store).add_link(min.id, link(4), &note()).await.unwrap().is_none());
    // Back, they need a new link.
    set(store, min.id, disabled(false)).await;
    assert!(of(store).sign_in([3; 32], &session(8), "", NOW).await.unwrap().is_none());
    of(store).add_link(min.id, link(5), &note()).await.unwrap();
    assert!(of(store).sign_in([5; 32], &session(8), "", NOW).await.unwrap().is_some());
}

pub async fn the_last_owner_stays_one_also_when_two_go_at_once(store: &dyn Store) {
    let one = add(store, "One", Role::Owner, 1).await.id;
    // One whom an issuer names may be gone tomorrow.
    of(store).operator_of_subject("issuer", "ada", Role::Owner, NOW).await.unwrap();
    for change in [role(Role::Viewer), disabled(true)] {
        assert_eq!(set(store, one, change).await, ChangeOutcome::LastOwner);
    }
    assert_eq!(of(store).operator(one).await.unwrap().unwrap().role, Role::Owner);
    let two = add(store, "Two", Role::Owner, 2).await.id;
    let (first, second) = tokio::join!(set(store, one, role(Role::Manager)), set(store, two, disabled(true)));
    let went = [&first, &second].into_iter().filter(|went| matches!(went, ChangeOutcome::Changed(_))).count();
    assert_eq!(went, 1, "{first:?} {second:?}");
    assert!([first, second].contains(&ChangeOutcome::LastOwner));
    assert_eq!(set(store, OperatorId(99), role(Role::Viewer)).await, ChangeOutcome::NoSuchOperator);
}

pub async fn a_change_of_what_is_not_so_any_more_is_refused(store: &dyn Store) {
    add(store, "Owner", Role::Owner, 1).await;
    let min = add(store, "Min", Role::Manager, 2).await;
    let seen = |name: Option<&str>, role, disabled| Seen { name: name.map(str::to_owned), role, disabled };
    let to_viewer = |was| OperatorChange { was, ..role(Role::Viewer) };
    for was in [
        seen(Some("Max"), None, None),
        seen(None, Some(Role::Viewer), None),
        seen(Some("Min"), Some(Role::Manager), Some(true)),
    ] {
        let outcome = set(store, min.id, to_viewer(was)).await;
        assert_eq!(outcome, ChangeOutcome::IsOther(min.clone()));
    }
    let was = seen(Some("Min"), Some(Role::Manager), Some(false));
    let viewer = OperatorRecord { role: Role::Viewer, ..min.clone() };
    assert_eq!(set(store, min.id, to_viewer(was)).await, ChangeOutcome::Changed(viewer.clone()));
    // What is so already is no change, and nothing to be told.
    let before = logged(store).await;
    assert_eq!(set(store, min.id, role(Role::Viewer)).await, ChangeOutcome::Changed(viewer));
    assert_eq!(logged(store).await, before);
}

pub async fn an_issuers_operator_is_one_whatever_their_role(store: &dyn Store) {
    let found = |subject: &'static str, role| async move {
        of(store).operator_of_subject("https://issuer", subject, role, NOW).await.unwrap()
    };
    let all = join_all((0..8).map(|_| found("ada", Role::Viewer))).await;
    let ada = &all[0];
    assert!(all.iter().all(|other| other.id == ada.id));
    assert!(ada.external && ada.name == "ada");
    assert_ne!(found("Ada", Role::Viewer).await.id, ada.id, "subjects are compared to the letter");
    let now = found("ada", Role::Manager).await;
    assert_eq!((now.id, now.role), (ada.id, Role::Manager));
    assert_eq!(set(store, ada.id, role(Role::Owner)).await, ChangeOutcome::IsExternal);
    assert!(of(store).add_link(ada.id, link(1), &note()).await.unwrap().is_none());
    assert!(matches!(set(store, ada.id, disabled(true)).await, ChangeOutcome::Changed(_)));
    assert_eq!(found("ada", Role::Manager).await.disabled_at, Some(NOW));
    assert_eq!(of(store).operators().await.unwrap().len(), 2);
}

fn keys_of(store: &dyn Store) -> &dyn Passkeys {
    store.passkeys().expect("this store keeps passkeys")
}

fn ceremony(n: u8) -> Ceremony {
    // No link of these tests has such a secret.
    let mut challenge = [n; 32];
    challenge[0] = !n;
    Ceremony { challenge, ends_at: NOW + 5 * MINUTE }
}

fn passkey(of: &OperatorRecord, credential: &[u8]) -> NewPasskey {
    let (name, key) = ("Key".to_owned(), vec![0xa5; 77]);
    NewPasskey { operator: of.id, name, credential: credential.to_vec(), key, count: 4 }
}

async fn add_passkey(store: &dyn Store, new: &NewPasskey, n: u8) -> AddOutcome {
    keys_of(store).add_passkey(new, ceremony(n), &note()).await.unwrap()
}

pub async fn a_passkey_is_used_once_a_ceremony_and_counts_upwards(store: &dyn Store) {
    let min = add(store, "Min", Role::Viewer, 1).await;
    let long = vec![7; 1_023];
    let AddOutcome::Added(added) = add_passkey(store, &passkey(&min, &long), 1).await else { panic!() };
    assert_eq!((added.made_at, added.used_at), (NOW, None));
    assert_eq!(add_passkey(store, &passkey(&min, b"other"), 1).await, AddOutcome::Spent);
    let known = keys_of(store).passkey(&long).await.unwrap().unwrap();
    assert_eq!(known, PasskeyKey { id: added.id, operator: min.id, key: vec![0xa5; 77], count: 4 });
    assert_eq!(keys_of(store).passkey(&long[1..]).await.unwrap(), None);

    // Of twenty who send the same, one comes in.
    let used = PasskeyKey { count: 5, ..known.clone() };
    let tries = (10..30).map(|n| {
        let used = &used;
        async move {
            keys_of(store).sign_in_by_passkey(used, ceremony(2), &session(n), "192.0.2.1", NOW).await.unwrap()
        }
    });
    let begun: Vec<_> = join_all(tries).await.into_iter().flatten().collect();
    let [begun] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!((begun.way.as_str(), begun.operator.id), ("passkey", min.id));
    assert_eq!(keys_of(store).passkeys(min.id).await.unwrap()[0].used_at, Some(NOW));

    // A count that is not higher spends nothing: the ceremony is still good for the one whose is.
    for count in [4, 5, 0] {
        let copy = PasskeyKey { count, ..known.clone() };
        let begun =
            keys_of(store).sign_in_by_passkey(&copy, ceremony(3), &session(40), "", NOW).await.unwrap();
        assert!(begun.is_none(), "{count}");
    }
    let next = PasskeyKey { count: 6, ..known.clone() };
    assert!(
        keys_of(store).sign_in_by_passkey(&next, ceremony(3), &session(41), "", NOW).await.unwrap().is_some()
    );
    assert!(!keys_of(store).remove_passkey(added.id, Some(OperatorId(min.id.0 + 1)), &note()).await.unwrap());
    assert!(keys_of(store).remove_passkey(added.id, Some(min.id), &note()).await.unwrap());
    assert!(!keys_of(store).remove_passkey(added.id, None, &note()).await.unwrap());
    let gone = PasskeyKey { count: 7, ..known };
    assert!(
        keys_of(store).sign_in_by_passkey(&gone, ceremony(4), &session(42), "", NOW).await.unwrap().is_none()
    );
    let words = ["operator.add", "passkey.add", "session.begin", "session.begin", "passkey.remove"];
    assert_eq!(logged(store).await, words);
}

pub async fn a_credential_is_one_operators_and_one_has_so_many(store: &dyn Store) {
    let (min, ada) = (add(store, "Min", Role::Viewer, 1).await, add(store, "Ada", Role::Owner, 2).await);
    for n in 0..PASSKEYS_MAX as u8 {
        assert!(matches!(add_passkey(store, &passkey(&min, &[n]), n).await, AddOutcome::Added(_)), "{n}");
    }
    assert_eq!(add_passkey(store, &passkey(&min, b"more"), 100).await, AddOutcome::TooMany);
    assert_eq!(add_passkey(store, &passkey(&ada, &[3]), 101).await, AddOutcome::Known);
    assert!(matches!(add_passkey(store, &passkey(&ada, b"hers"), 101).await, AddOutcome::Added(_)));
    set(store, min.id, disabled(true)).await;
    assert_eq!(add_passkey(store, &passkey(&min, b"late"), 102).await, AddOutcome::NoSuchOperator);
    let known = keys_of(store).passkey(&[3]).await.unwrap().unwrap();
    let used = PasskeyKey { count: 9, ..known };
    let begun = keys_of(store).sign_in_by_passkey(&used, ceremony(103), &session(9), "", NOW).await.unwrap();
    assert!(begun.is_none(), "they are shut out");
    let external = of(store).operator_of_subject("https://issuer", "x", Role::Owner, NOW).await.unwrap();
    assert_eq!(add_passkey(store, &passkey(&external, b"x"), 104).await, AddOutcome::NoSuchOperator);
}

pub async fn the_log_tells_every_change_and_nothing_secret(store: &dyn Store) {
    let owner = add(store, "Owner", Role::Owner, 1).await.id;
    let min = add(store, "Min", Role::Manager, 2).await.id;
    of(store).sign_in([1; 32], &session(9), "192.0.2.7", NOW).await.unwrap().unwrap();
    let by_owner =
        Note { by: Actor { who: Who::Operator(owner), from: Some("192.0.2.7".into()) }, at: NOW + HOUR };
    let change = OperatorChange { name: Some("Max".to_owned()), ..role(Role::Viewer) };
    of(store).change_operator(min, &change, &by_owner).await.unwrap();
    let log = of(store).log(&LogQuery { limit: 200, ..LogQuery::default() }).await.unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.what.as_str(), entry.subject.as_deref())).collect();
    let (of_min, of_owner) = (format!("operator {min}"), format!("operator {owner}"));
    assert_eq!(
        (told[0], told[2], told[3]),
        (
            ("operator.set", Some(&*of_min)),
            ("operator.add", Some(&*of_min)),
            ("operator.add", Some(&*of_owner))
        )
    );
    assert_eq!(told[1].0, "session.begin");
    let set = &log[0];
    assert_eq!(set.operator.clone(), Some((owner, "Owner".to_owned(), Role::Owner)));
    assert_eq!((set.at, set.from.as_deref()), (NOW + HOUR, Some("192.0.2.7")));
    assert_eq!(set.was, Some(json!({"name": "Min", "role": "manager"})));
    assert_eq!(set.became, Some(json!({"name": "Max", "role": "viewer"})));
    assert_eq!((log[3].operator.clone(), log[3].from.as_deref()), (None, Some("::1")));
    // Pages, and whose they are.
    let page = |before, operator, limit| async move {
        let query = LogQuery { operator, before, limit, ..LogQuery::default() };
        of(store).log(&query).await.unwrap().iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    let ids: Vec<_> = log.iter().map(|entry| entry.id).collect();
    assert_eq!(page(None, None, 3).await, ids[..3]);
    assert_eq!(page(Some(ids[2]), None, 3).await, ids[3..]);
    assert_eq!(page(None, Some(owner), 9).await, ids[..2]);
    assert!(page(None, Some(min), 9).await.is_empty());
}
