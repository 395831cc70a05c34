//! Webhooks: sends what is to be sent, signed, again and again until it arrives or a day is over.
//!
//! Always: one server does this for all of them (a duty), and each single message is claimed before it is sent. A webhook gets
//! one message at a time, so a slow receiver keeps nobody else waiting. A receiver may get a message more than once, and knows
//! it by its id. Not here: what is sent, and the rows of it.

pub mod client;
pub mod sign;
pub mod target;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::client::Client;
use self::target::Target;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::limits::{WEBHOOK_DELIVERIES_KEPT, WEBHOOK_GIVEN_UP_AFTER, WEBHOOKS_UNSTORED_MAX};
use crate::store::alarms::Message;
use crate::store::webhooks::{Delivery, WebhookRow};
use crate::store::{Store, StoreError, WriterId, random_id};

/// The name of the duty.
pub const DUTY: &str = "webhooks";
/// Another server sends when one was not heard of for so long.
const DUTY_LASTS: Duration = Duration::from_secs(15);
const DUTY_TAKEN_EVERY: Duration = Duration::from_secs(5);
/// Between two looks for what is due, if nobody says that there is something.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The time that a receiver has to answer.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// A message that was taken to be sent and of which nothing was heard since is sent again.
const CLAIM_LASTS: Duration = Duration::from_secs(60);
/// The time that the store has for a read or a change.
const STORE_PATIENCE: Duration = Duration::from_secs(5);
const FORGOTTEN_EVERY: Duration = Duration::from_secs(3_600);
/// The pauses after the first tries; later ones are as long as the last of these.
const PAUSES: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(4 * 60 * 60),
];
/// No more is begun while so much is under way that the store has not taken.
const UNSTORED_AT_ONCE_MAX: usize = 64;
/// How often, and how far apart, something is sent that the store has not taken.
const UNSTORED_TRIES: u32 = 4;
const UNSTORED_PAUSE: Duration = Duration::from_secs(10);

pub struct Webhooks {
    store: Arc<dyn Store>,
    clock: Clock,
    client: Client,
    holder: WriterId,
    /// There is something to be sent.
    news: Notify,
    unstored_news: Notify,
    /// The webhooks as they were read last.
    known: Mutex<Arc<Vec<WebhookRow>>>,
    /// What the store has not taken, and is to be sent all the same.
    unstored: Mutex<VecDeque<Message>>,
}

/// When things were done last, steady.
#[derive(Default)]
struct Done {
    duty: Option<Timestamp>,
    has_duty: bool,
    read: Option<Timestamp>,
    forgotten: Option<Timestamp>,
}

impl Webhooks {
    pub fn new(store: Arc<dyn Store>, clock: Clock, client: Client) -> Self {
        Self {
            store,
            clock,
            client,
            holder: WriterId(random_id()),
            news: Notify::new(),
            unstored_news: Notify::new(),
            known: Mutex::default(),
            unstored: Mutex::default(),
        }
    }

    /// Reads an address for a webhook, as far as it may be one.
    pub fn target(&self, url: &str) -> Result<Target, target::TargetError> {
        let target = Target::read(url)?;
        target.check_host(self.client.allowed())?;
        Ok(target)
    }

    /// Something is to be sent, or the webhooks are other ones.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Sends something that the store does not take. It may be sent again when the store has it, as the same message.
    pub fn send_unstored(&self, message: &Message) {
        let mut unstored = self.unstored.lock();
        if unstored.len() == WEBHOOKS_UNSTORED_MAX {
            unstored.pop_front();
        }
        unstored.push_back(message.clone());
        drop(unstored);
        self.unstored_news.notify_one();
    }

    /// Sends for as long as the server runs.
    pub async fn run(self: Arc<Self>) {
        let Some(store) = self.store.webhooks() else { return };
        // A store that hangs keeps nothing waiting that is sent without it.
        tokio::join!(self.clone().run_stored(store), self.run_unstored());
    }

    async fn run_unstored(&self) {
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < UNSTORED_AT_ONCE_MAX {
                let Some(message) = self.unstored.lock().pop_front() else { break };
                for webhook in self.known.lock().iter().filter(|known| known.wants(&message.kind)) {
                    under_way.push(self.insist(webhook.clone(), message.clone()));
                }
            }
            tokio::select! {
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
                () = self.unstored_news.notified() => {}
            }
        }
    }

    async fn run_stored(self: Arc<Self>, store: &dyn crate::store::Webhooks) {
        let (mut done, mut busy) = (Done::default(), BTreeSet::new());
        // Each is a task of its own: one that holds a connection must go on while this one waits for it.
        let mut under_way = JoinSet::new();
        loop {
            if let Err(Some(error)) = self.prepare(store, &mut done).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "webhooks could not be read; it is tried again");
            }
            let known = self.known.lock().clone();
            for webhook in known.iter().filter(|_| done.has_duty) {
                if busy.contains(&webhook.id) {
                    continue;
                }
                let due = store.due_delivery(webhook.id, self.clock.utc());
                if let Ok(Some(delivery)) = self.patiently(due).await {
                    busy.insert(webhook.id);
                    let (webhooks, to) = (self.clone(), webhook.clone());
                    under_way.spawn(async move {
                        let webhook = to.id;
                        webhooks.deliver(to, delivery).await;
                        webhook
                    });
                }
            }
            let next = self.clock.steady() + LOOK_INTERVAL;
            tokio::select! {
                Some(ended) = under_way.join_next() => match ended {
                    Ok(webhook) => drop(busy.remove(&webhook)),
                    // A fault of ours: it is claimed again when its time comes.
                    Err(_) => busy.clear(),
                },
                () = self.news.notified() => done.read = None,
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Leaves the duty to whoever wants it.
    pub async fn end(&self) {
        if let Some(duties) = self.store.duties().filter(|_| !self.store.is_embedded())
            && let Err(error) = duties.leave_duty(DUTY, self.holder).await
        {
            tracing::info!(error = &error as &dyn std::error::Error, "a duty was not left");
        }
    }

    /// Takes the duty, reads the webhooks, and deletes what is old, each when it is time.
    async fn prepare(
        &self,
        store: &dyn crate::store::Webhooks,
        done: &mut Done,
    ) -> Result<(), Option<StoreError>> {
        let now = self.clock.steady();
        let is_due = |at: Option<Timestamp>, every| at.is_none_or(|at| now.since(at) >= every);
        if is_due(done.duty, DUTY_TAKEN_EVERY) {
            // The embedded database has one server.
            done.has_duty = match self.store.duties().filter(|_| !self.store.is_embedded()) {
                None => true,
                Some(duties) => {
                    let taken = duties.take_duty(DUTY, self.holder, self.clock.utc(), DUTY_LASTS);
                    self.patiently(taken).await.unwrap_or(false)
                }
            };
            done.duty = Some(now);
        }
        if is_due(done.read, DUTY_TAKEN_EVERY) {
            let mut known = self.patiently(store.webhooks()).await?;
            known.retain(|webhook| webhook.stopped_at.is_none());
            *self.known.lock() = Arc::new(known);
            done.read = Some(now);
        }
        if done.has_duty && is_due(done.forgotten, FORGOTTEN_EVERY) {
            done.forgotten = Some(now);
            let before = self.clock.utc() - WEBHOOK_DELIVERIES_KEPT;
            self.patiently(store.forget_deliveries(before)).await?;
        }
        Ok(())
    }

    /// `Err(None)`: it took too long.
    async fn patiently<T>(
        &self,
        doing: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Option<StoreError>> {
        tokio::select! {
            biased;
            done = doing => done.map_err(Some),
            () = self.clock.run_out(STORE_PATIENCE) => Err(None),
        }
    }

    /// Sends a message once, and notes what came of it.
    async fn deliver(&self, to: WebhookRow, delivery: Delivery) {
        let Some(store) = self.store.webhooks() else { return };
        let until = self.clock.utc() + CLAIM_LASTS;
        if !self.patiently(store.claim_delivery(&delivery, until)).await.unwrap_or(false) {
            // Another server has it, or the store takes nothing: it is not asked at once again.
            self.clock.sleep_until(self.clock.steady() + LOOK_INTERVAL).await;
            return;
        }
        let (arrived, answer) = self.send(&to, &delivery.message).await;
        let (now, tries) = (self.clock.utc(), delivery.tries + 1);
        let next_at = (!arrived).then(|| next_try(&delivery, tries, now)).flatten();
        if !arrived {
            let (webhook, kind, next) = (to.id, &delivery.message.kind, next_at.is_some());
            tracing::info!(webhook, kind, tries, answer, again = next, "a webhook did not take a message");
        }
        let noted = store.note_try(delivery.id, next_at, arrived.then_some(now), &answer);
        if let Err(Some(error)) = self.patiently(noted).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what a webhook answered could not be written down; it is sent again");
        }
    }

    /// Sends something that the store has not taken, a few times.
    async fn insist(&self, to: WebhookRow, message: Message) {
        for n in 1..=UNSTORED_TRIES {
            let (arrived, answer) = self.send(&to, &message).await;
            if arrived {
                break;
            }
            tracing::info!(
                webhook = to.id,
                kind = message.kind,
                tries = n,
                answer,
                "a webhook did not take a message"
            );
            self.clock.sleep_until(self.clock.steady() + UNSTORED_PAUSE).await;
        }
    }

    /// Whether it arrived, and what was answered.
    async fn send(&self, to: &WebhookRow, message: &Message) -> (bool, String) {
        let target = match self.target(&to.url) {
            Ok(target) => target,
            Err(error) => return (false, format!("the address {error}")),
        };
        let now = self.clock.utc();
        let (id, seconds) = (message_id(message), now.as_millis().div_euclid(1_000));
        let old =
            to.old_secret.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret.as_slice());
        let secrets = std::iter::once(to.secret.as_slice()).chain(old);
        let signatures = sign::signatures(secrets, &id, seconds, &message.body);
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures),
        ];
        tokio::select! {
            biased;
            answer = self.client.post(&target, &headers, message.body.clone()) => match answer {
                Ok(status) => (status.is_success(), status.as_u16().to_string()),
                Err(error) => (false, error.to_string()),
            },
            () = self.clock.run_out(ANSWER_PATIENCE) => {
                (false, format!("no answer within {} s", ANSWER_PATIENCE.as_secs()))
            }
        }
    }
}

/// The id by which a receiver knows a message.
pub fn message_id(message: &Message) -> String {
    format!("msg_{}", message.id.simple())
}

/// When it is tried again, if it is: a little apart, so that what failed together does not come together.
fn next_try(delivery: &Delivery, tries: u32, now: Timestamp) -> Option<Timestamp> {
    let pause = PAUSES[(tries.max(1) as usize - 1).min(PAUSES.len() - 1)];
    let part = u32::from(delivery.id.as_bytes()[15]);
    let next = now + pause + pause * part / (255 * 10);
    (next.since(delivery.message.at) < WEBHOOK_GIVEN_UP_AFTER).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_for_a_day() {
        let begun = Timestamp::from_millis(1_800_000_000_000);
        let message = Message { id: random_id(), kind: "x".into(), body: "{}".into(), at: begun };
        let delivery = Delivery {
            id: random_id(),
            webhook: 1,
            message,
            tries: 0,
            next_at: None,
            done_at: None,
            answer: None,
        };
        let (mut now, mut tries) = (begun, 1);
        while let Some(next) = next_try(&delivery, tries, now) {
            let pause = next.since(now);
            assert!(pause >= PAUSES[0] && pause <= Duration::from_secs(5 * 3_600), "try {tries}: {pause:?}");
            (now, tries) = (next, tries + 1);
        }
        let lasted = now.since(begun);
        assert!(lasted > WEBHOOK_GIVEN_UP_AFTER / 2 && lasted < WEBHOOK_GIVEN_UP_AFTER, "{lasted:?}");
        assert!((8..=16).contains(&tries), "{tries} tries");
    }
}
