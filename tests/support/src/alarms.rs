//! What every backend that keeps alarms and webhooks must do, written once. Each test gets a store of its own, freshly made.

use std::time::Duration;

use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::time::Timestamp;
use frontrow::limits::WEBHOOKS_MAX;
use frontrow::store::alarms::{Message, NewAlarm};
use frontrow::store::operators::{LogQuery, Note};
use frontrow::store::{Alarms, Store, Webhooks, random_id};
use frontrow_protocol::Role;
use futures_util::future::join_all;

/// Makes a test of every function here for one backend. `$open` gives `(store, whatever must outlive it)`.
#[macro_export]
macro_rules! alarms_tests {
    ($open:expr; $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (store, _keep) = $open.await;
            $crate::alarms::$name(&store).await;
        }
    )*};
    ($open:expr) => {
        $crate::alarms_tests!($open;
            an_alarm_goes_on_once_however_many_raise_it
            who_saw_an_alarm_first_stays
            an_operator_ends_an_alarm_once
            a_message_is_sent_to_who_wants_it_and_claimed_once
            a_secret_is_exchanged_and_nothing_is_sent_to_what_is_stopped
        );
    };
}

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn alarms(store: &dyn Store) -> &dyn Alarms {
    store.alarms().expect("this store keeps alarms")
}

fn webhooks(store: &dyn Store) -> &dyn Webhooks {
    store.webhooks().expect("this store has webhooks")
}

fn note(at: Timestamp) -> Note {
    Note { by: Actor { who: Who::Unnamed, from: Some("::1".into()) }, at }
}

fn new(subject: &str, at: Timestamp) -> NewAlarm {
    let facts = r#"{"waiting":3}"#.to_owned();
    NewAlarm { kind: "no_movement".to_owned(), subject: subject.to_owned(), at, facts }
}

fn message(kind: &str, at: Timestamp) -> Message {
    Message { id: random_id(), kind: kind.to_owned(), body: format!(r#"{{"type":"{kind}"}}"#), at }
}

pub async fn an_alarm_goes_on_once_however_many_raise_it(store: &dyn Store) {
    let kept = alarms(store);
    let to = webhooks(store).add_webhook("https://a.example/", &[], &[7; 32], &note(NOW)).await.unwrap();
    let to = to.expect("there is room").id;
    let sent = async || webhooks(store).deliveries(to, None, 100).await.unwrap().len();
    let alarm = new("sale 7", NOW);
    let tellings: Vec<_> = (0..8).map(|_| message("alarm.raised", NOW)).collect();
    let raised = join_all(tellings.iter().map(|telling| kept.raise_alarm(&alarm, telling))).await;
    assert_eq!(raised.into_iter().filter(|raised| *raised.as_ref().unwrap()).count(), 1);
    assert!(kept.raise_alarm(&new("sale 8", NOW + SECOND), &message("alarm.raised", NOW)).await.unwrap());
    assert_eq!(sent().await, 2, "what was refused is not told");
    let open = kept.open_alarms().await.unwrap();
    assert_eq!(open.iter().map(|alarm| alarm.subject.as_str()).collect::<Vec<_>>(), ["sale 7", "sale 8"]);
    assert_eq!(
        (open[0].raised_at, open[0].ended_at, open[0].facts.as_str()),
        (NOW, None, r#"{"waiting":3}"#)
    );

    let tellings: Vec<_> = (0..4).map(|_| message("alarm.ended", NOW)).collect();
    let ends = tellings.iter().map(|telling| kept.end_alarm("no_movement", "sale 7", NOW + SECOND, telling));
    assert_eq!(join_all(ends).await.into_iter().filter(|ended| *ended.as_ref().unwrap()).count(), 1);
    assert_eq!(sent().await, 3);
    let past = kept.past_alarms(None, 10).await.unwrap();
    assert_eq!((past.len(), past[0].ended_at), (1, Some(NOW + SECOND)));
    assert!(kept.past_alarms(Some(past[0].id), 10).await.unwrap().is_empty());
    // It may come again.
    assert!(kept.raise_alarm(&new("sale 7", NOW + 2 * SECOND), &message("alarm.raised", NOW)).await.unwrap());
    assert_eq!(kept.open_alarms().await.unwrap().len(), 2);
    kept.forget_alarms(NOW + SECOND).await.unwrap();
    assert_eq!(kept.past_alarms(None, 10).await.unwrap().len(), 1, "it was over at that moment");
    kept.forget_alarms(NOW + 2 * SECOND).await.unwrap();
    assert_eq!(kept.past_alarms(None, 10).await.unwrap(), []);
    assert_eq!(kept.open_alarms().await.unwrap().len(), 2, "what goes on stays");
}

pub async fn who_saw_an_alarm_first_stays(store: &dyn Store) {
    let kept = alarms(store);
    assert!(kept.raise_alarm(&new("sale 7", NOW), &message("alarm.raised", NOW)).await.unwrap());
    let id = kept.open_alarms().await.unwrap()[0].id;
    let operators = store.operators().expect("this store keeps operators");
    let min = operators.add_operator("Min", Role::Manager, None, &note(NOW)).await.unwrap();
    let seen = kept.see_alarm(id, &Note { by: Actor::of(Who::Operator(min.id)), at: NOW }).await.unwrap();
    let by_min = Some((Some(min.id), Some("Min".to_owned())));
    assert_eq!(seen.expect("it is there").seen_by, by_min);
    assert_eq!(kept.see_alarm(id, &note(NOW)).await.unwrap().unwrap().seen_by, by_min);
    assert_eq!(kept.see_alarm(id + 1, &note(NOW)).await.unwrap(), None);
    let log = operators.log(&LogQuery { limit: 10, ..LogQuery::default() }).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.what == "alarm.see").count(), 1);
    assert_eq!(log[0].subject.as_deref(), Some("no_movement, sale 7"));
    // Somebody without a name saw it, too.
    assert!(kept.raise_alarm(&new("sale 8", NOW), &message("alarm.raised", NOW)).await.unwrap());
    let id = kept.open_alarms().await.unwrap().iter().find(|alarm| alarm.subject == "sale 8").unwrap().id;
    assert_eq!(kept.see_alarm(id, &note(NOW)).await.unwrap().unwrap().seen_by, Some((None, None)));
}

pub async fn an_operator_ends_an_alarm_once(store: &dyn Store) {
    let (kept, to) = (alarms(store), webhooks(store));
    let hook = to.add_webhook("https://a.example/", &[], &[7; 32], &note(NOW)).await.unwrap();
    let hook = hook.expect("there is room").id;
    assert!(kept.raise_alarm(&new("sale 7", NOW), &message("alarm.raised", NOW)).await.unwrap());
    let row = kept.open_alarms().await.unwrap().remove(0);
    assert_eq!(kept.alarm(row.id).await.unwrap(), Some(row.clone()));
    assert_eq!(kept.alarm(row.id + 1).await.unwrap(), None);
    let operators = store.operators().expect("this store keeps operators");
    let min = operators.add_operator("Min", Role::Manager, None, &note(NOW)).await.unwrap();
    let by_min = Note { by: Actor::of(Who::Operator(min.id)), at: NOW - SECOND };
    let tellings: Vec<_> = (0..4).map(|_| message("alarm.ended", NOW)).collect();
    let ends = tellings.iter().map(|telling| kept.close_alarm(&row, telling, &by_min));
    assert_eq!(join_all(ends).await.into_iter().filter(|ended| *ended.as_ref().unwrap()).count(), 1);
    assert_eq!(kept.open_alarms().await.unwrap(), []);
    // A clock that is behind ends nothing before it began.
    assert_eq!(kept.alarm(row.id).await.unwrap().unwrap().ended_at, Some(NOW));
    assert_eq!(to.deliveries(hook, None, 10).await.unwrap().len(), 2);
    let log = operators.log(&LogQuery { limit: 10, ..LogQuery::default() }).await.unwrap();
    let ended: Vec<_> = log.iter().filter(|line| line.what == "alarm.end").collect();
    assert_eq!((ended.len(), ended[0].subject.as_deref()), (1, Some("no_movement, sale 7")));
    // It may come again, and whoever still has the one of before ends nothing of that.
    assert!(kept.raise_alarm(&new("sale 7", NOW + SECOND), &message("alarm.raised", NOW)).await.unwrap());
    assert!(!kept.close_alarm(&row, &message("alarm.ended", NOW), &by_min).await.unwrap());
    assert_eq!(kept.open_alarms().await.unwrap().len(), 1);
}

pub async fn a_message_is_sent_to_who_wants_it_and_claimed_once(store: &dyn Store) {
    let (kept, to) = (alarms(store), webhooks(store));
    let wanted = ["alarm.raised".to_owned()];
    let all = to.add_webhook("https://a.example/", &[], &[1; 32], &note(NOW)).await.unwrap().unwrap();
    let some = to.add_webhook("https://b.example/", &wanted, &[2; 32], &note(NOW)).await.unwrap().unwrap();
    assert!(kept.raise_alarm(&new("sale 7", NOW), &message("alarm.raised", NOW)).await.unwrap());
    let ended = message("alarm.ended", NOW + SECOND);
    assert!(kept.end_alarm("no_movement", "sale 7", NOW + SECOND, &ended).await.unwrap());
    let of = async |webhook| {
        let found = to.deliveries(webhook, None, 10).await.unwrap();
        found.iter().map(|delivery| delivery.message.kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(all.id).await, ["alarm.ended", "alarm.raised"]);
    assert_eq!(of(some.id).await, ["alarm.raised"]);

    assert_eq!(to.due_delivery(all.id, NOW - SECOND).await.unwrap(), None);
    let due = to.due_delivery(all.id, NOW).await.unwrap().expect("it is due");
    let until = NOW + 60 * SECOND;
    let claims = join_all((0..6).map(|_| to.claim_delivery(&due, until))).await;
    assert_eq!(claims.into_iter().filter(|claimed| *claimed.as_ref().unwrap()).count(), 1);
    assert_eq!(to.due_delivery(all.id, NOW).await.unwrap(), None, "nobody else sends it");
    let lost = to.due_delivery(all.id, until).await.unwrap().expect("whoever claimed it is gone");
    assert_eq!(lost.message, ended, "the one that is due for longest comes first");
    // The answer is kept as far as there is room.
    to.note_try(due.id, Some(until), None, &"x".repeat(300)).await.unwrap();
    let tried = to.delivery(due.id).await.unwrap().unwrap();
    assert_eq!((tried.tries, tried.next_at, tried.done_at), (1, Some(until), None));
    assert_eq!(tried.answer.map(|answer| answer.len()), Some(200));
    to.note_try(due.id, None, Some(NOW), "204").await.unwrap();
    let arrived = to.delivery(due.id).await.unwrap().unwrap();
    assert_eq!((arrived.next_at, arrived.done_at), (None, Some(NOW)));
    assert!(!to.claim_delivery(&arrived, until).await.unwrap(), "it arrived");

    let again = to.resend(due.id, &note(NOW + 5 * SECOND)).await.unwrap().expect("it was sent once");
    assert_eq!((again.message.id, again.tries), (due.message.id, 0));
    assert_ne!(again.id, due.id);
    assert_eq!(to.resend(random_id(), &note(NOW)).await.unwrap(), None);
    let page = to.deliveries(all.id, None, 2).await.unwrap();
    let rest = to.deliveries(all.id, Some(page[1].id), 10).await.unwrap();
    assert_eq!((page[0].id, page.len(), rest.len()), (again.id, 2, 1));
    to.forget_deliveries(NOW + 2 * SECOND).await.unwrap();
    assert_eq!(to.deliveries(all.id, None, 10).await.unwrap().len(), 1);
}

pub async fn a_secret_is_exchanged_and_nothing_is_sent_to_what_is_stopped(store: &dyn Store) {
    let to = webhooks(store);
    let made = to.add_webhook("https://a.example/", &[], &[1; 32], &note(NOW)).await.unwrap().unwrap();
    assert_eq!((made.secret.as_slice(), &made.old_secret), ([1; 32].as_slice(), &None));
    let until = NOW + 60 * SECOND;
    let rotated = to.rotate_webhook(made.id, &[2; 32], until, &note(NOW)).await.unwrap().unwrap();
    assert_eq!(rotated.secret, [2; 32]);
    assert_eq!(rotated.old_secret, Some((vec![1; 32], until)));
    let test = message("webhook.test", NOW);
    let sent = to.send_to_one(made.id, &test).await.unwrap().expect("it is live");
    assert_eq!(sent.message, test);

    assert!(to.stop_webhook(made.id, &note(NOW)).await.unwrap());
    assert!(!to.stop_webhook(made.id, &note(NOW)).await.unwrap());
    assert_eq!(to.due_delivery(made.id, until).await.unwrap(), None, "what waited was given up");
    assert_eq!(to.send_to_one(made.id, &test).await.unwrap(), None);
    assert_eq!(to.resend(sent.id, &note(NOW)).await.unwrap(), None);
    assert_eq!(to.rotate_webhook(made.id, &[3; 32], until, &note(NOW)).await.unwrap(), None);
    assert!(alarms(store).raise_alarm(&new("sale 7", NOW), &message("alarm.raised", NOW)).await.unwrap());
    assert_eq!(to.deliveries(made.id, None, 10).await.unwrap().len(), 1);
    let stopped = to.webhook(made.id).await.unwrap().unwrap();
    assert_eq!((stopped.stopped_at, stopped.old_secret), (Some(NOW), None));

    for n in 0..WEBHOOKS_MAX {
        let url = format!("https://{n}.example/");
        assert!(to.add_webhook(&url, &[], &[9; 32], &note(NOW)).await.unwrap().is_some());
    }
    assert_eq!(to.add_webhook("https://a.example/", &[], &[9; 32], &note(NOW)).await.unwrap(), None);
    assert_eq!(to.webhooks().await.unwrap().len(), WEBHOOKS_MAX + 1);
    let operators = store.operators().expect("this store keeps operators");
    let log = operators.log(&LogQuery { limit: 200, ..LogQuery::default() }).await.unwrap();
    assert!(log.iter().all(|line| !format!("{line:?}").contains("secret")), "{log:?}");
}
