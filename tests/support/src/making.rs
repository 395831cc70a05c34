//! What every backend that keeps concerts which are being made must do, written once. Each test gets a store of its own.

use std::time::Duration;

use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::ids::ConcertId;
use frontrow::domain::time::Timestamp;
use frontrow::limits::DRAFTS_MAX;
use frontrow::store::making::{DraftChange, DraftOutcome, DraftRecord, ImageId, Making, StoredPicture};
use frontrow::store::operators::{LogQuery, Note};
use frontrow::store::{NewConcert, Store, StoreError};
use serde_json::json;

use crate::conformance::new_concert;

/// Makes a test of every function here for one backend. `$open` gives `(store, whatever must outlive it)`.
#[macro_export]
macro_rules! making_tests {
    ($open:expr; $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (store, _keep) = $open.await;
            $crate::making::$name(&store).await;
        }
    )*};
    ($open:expr) => {
        $crate::making_tests!($open;
            a_draft_is_changed_on_top_of_what_was_seen_or_not_at_all
            there_are_so_many_drafts_and_old_ones_go
            a_draft_becomes_a_concert_once
            a_picture_is_there_while_something_shows_it
        );
    };
}

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn of(store: &dyn Store) -> &dyn Making {
    store.making().expect("this store keeps drafts")
}

fn note(at: Timestamp) -> Note {
    Note { by: Actor { who: Who::Unnamed, from: Some("::1".into()) }, at }
}

fn change(revision: u64, title: &str, plan: Option<&[u8]>) -> DraftChange {
    DraftChange {
        revision,
        body: json!({"title": title}).to_string(),
        plan: plan.map(<[u8]>::to_vec),
        what: "draft.set",
        was: Some(json!({"title": ""})),
        became: Some(json!({"title": title})),
    }
}

async fn made(store: &dyn Store) -> DraftRecord {
    of(store).add_draft("{}", &note(NOW)).await.unwrap().expect("there is room")
}

async fn whats(store: &dyn Store) -> Vec<String> {
    let query = LogQuery { limit: 50, ..LogQuery::default() };
    let log = store.operators().expect("a log").log(&query).await.unwrap();
    log.into_iter().map(|entry| format!("{} {}", entry.what, entry.subject.unwrap_or_default())).collect()
}

pub async fn a_draft_is_changed_on_top_of_what_was_seen_or_not_at_all(store: &dyn Store) {
    let draft = made(store).await;
    assert_eq!((draft.revision, draft.body.as_str(), draft.concert), (1, "{}", None));
    assert_eq!(of(store).draft_plan(draft.id).await.unwrap(), None);
    let set =
        |new: DraftChange| async move { of(store).change_draft(draft.id, &new, &note(NOW + DAY)).await };
    let (one, other) = tokio::join!(async { set(change(1, "One", Some(b"plan"))).await.unwrap() }, async {
        set(change(1, "Other", Some(b"plan"))).await.unwrap()
    });
    let (won, told) = match (one, other) {
        (DraftOutcome::Done(won), DraftOutcome::IsOther(is)) => (won, is),
        (DraftOutcome::IsOther(is), DraftOutcome::Done(won)) => (won, is),
        both => panic!("one of them: {both:?}"),
    };
    assert_eq!(won, *told, "the second is told what it is");
    assert_eq!((won.revision, won.changed_at, won.made_at), (2, NOW + DAY, NOW));
    // A change without a plan leaves the one that is there.
    let DraftOutcome::Done(third) = set(change(2, "Three", None)).await.unwrap() else { panic!("as seen") };
    assert_eq!(of(store).draft(draft.id).await.unwrap(), Some(third.clone()));
    assert_eq!(of(store).draft_plan(draft.id).await.unwrap().as_deref(), Some(&b"plan"[..]));
    assert_eq!(of(store).drafts().await.unwrap(), [third]);

    assert!(of(store).drop_draft(draft.id, &note(NOW)).await.unwrap());
    assert!(!of(store).drop_draft(draft.id, &note(NOW)).await.unwrap());
    assert_eq!(set(change(3, "Gone", None)).await.unwrap(), DraftOutcome::NoSuchDraft);
    let name = format!("draft {}", draft.id);
    let expected = ["draft.drop", "draft.set", "draft.set", "draft.add"].map(|what| format!("{what} {name}"));
    assert_eq!(whats(store).await, expected);
}

pub async fn there_are_so_many_drafts_and_old_ones_go(store: &dyn Store) {
    for _ in 0..DRAFTS_MAX {
        made(store).await;
    }
    assert_eq!(of(store).add_draft("{}", &note(NOW + 90 * DAY)).await.unwrap(), None);
    let later = note(NOW + 90 * DAY + Duration::from_secs(1));
    let draft = of(store).add_draft("{}", &later).await.unwrap();
    assert_eq!(of(store).drafts().await.unwrap(), [draft.expect("the others were given up")]);
}

pub async fn a_draft_becomes_a_concert_once(store: &dyn Store) {
    let (one, other) = (made(store).await.id, made(store).await.id);
    let about: Box<str> = json!({"texts": {"description": "Two evenings."}}).to_string().into();
    let concert = || NewConcert { about: Some(about.clone()), again: false, ..new_concert(10) };
    let announce = |draft: u64, revision: u64| {
        let concert = concert();
        async move { of(store).announce_draft(draft, revision, &concert, &note(NOW)).await }
    };
    let seen = announce(one, 7).await.unwrap();
    assert!(matches!(seen, DraftOutcome::IsOther(_)), "{seen:?}");
    // The same draft, and another one with the same concert, at the same moment.
    let (a, b, c) = tokio::join!(announce(one, 1), announce(one, 1), announce(other, 1));
    let concerts = store.concerts().await.unwrap();
    assert_eq!(concerts, [ConcertId(1)].map(|_| concerts[0]), "one of them");
    let done =
        [&a, &b, &c].into_iter().filter(|outcome| matches!(outcome, Ok(DraftOutcome::Done(_)))).count();
    assert_eq!(done, 1, "{a:?} {b:?} {c:?}");
    for outcome in [a, b, c] {
        match outcome {
            Ok(DraftOutcome::Done((concert, schedules))) => {
                assert_eq!((concert, schedules.len()), (concerts[0], 2));
            }
            // The other draft was first, or the same one.
            Ok(DraftOutcome::IsOther(is)) => assert_eq!(is.concert, Some(concerts[0])),
            Err(StoreError::AlreadyThere { concert }) => assert_eq!(concert, concerts[0]),
            other => panic!("{other:?}"),
        }
    }
    let drafts = of(store).drafts().await.unwrap();
    let spent: Vec<_> = drafts.iter().filter(|draft| draft.concert.is_some()).collect();
    let [spent] = spent[..] else { panic!("one draft became it: {drafts:?}") };
    assert_eq!(of(store).draft_plan(spent.id).await.unwrap(), None);
    assert!(!of(store).drop_draft(spent.id, &note(NOW)).await.unwrap(), "it is a concert by now");
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn a_picture_is_there_while_something_shows_it(store: &dyn Store) {
    let image = |n: u8| ImageId([n; 16]);
    let sizes = |n: u8| {
        [1_600, 800].map(|width| StoredPicture {
            width,
            mime: "image/jpeg".to_owned(),
            bytes: vec![n; 1_000],
        })
    };
    let add = |n: u8, at: Timestamp| async move {
        of(store).add_picture(image(n), &sizes(n), &note(at)).await.unwrap();
    };
    let is_there = |n: u8| async move { of(store).picture(image(n), 800).await.unwrap().is_some() };
    add(1, NOW).await;
    add(1, NOW).await;
    assert_eq!(of(store).picture(image(1), 1_600).await.unwrap().as_ref(), sizes(1).first());
    assert_eq!(of(store).picture(image(1), 640).await.unwrap(), None);
    add(2, NOW).await;
    add(3, NOW).await;
    // A draft shows the second, and a concert the third.
    let shows = json!({"about": {"image_id": image(2).to_string()}}).to_string();
    of(store).add_draft(&shows, &note(NOW)).await.unwrap();
    let about = json!({"image_id": image(3).to_string()}).to_string();
    let concert = NewConcert { about: Some(about.into()), ..new_concert(2) };
    store.add_concert(concert).await.unwrap();
    add(4, NOW + DAY).await;
    assert!(is_there(1).await, "not before a day is over");
    add(5, NOW + DAY + Duration::from_secs(1)).await;
    assert!(!is_there(1).await);
    for shown in [2, 3, 4, 5] {
        assert!(is_there(shown).await, "{shown}");
    }
}
