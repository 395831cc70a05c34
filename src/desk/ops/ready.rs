//! Readiness: what has to be well before the doors of a sale open, looked at when somebody asks.
//!
//! Always: what hangs is bad, and keeps nobody waiting for the rest. Nothing is changed but a row that commits are measured by.

use std::time::{Duration, Instant};

use frontrow_protocol::ErrorObject;
use frontrow_protocol::ops::ready::{Check, CheckState, SaleReadiness};
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};

use crate::desk::prints::{self, print_of};
use crate::desk::{Context, translate};
use crate::dispatcher::Place;
use crate::domain::command::Command;
use crate::domain::ids::ConcertId;
use crate::domain::record::{SaleState, ScheduleState};
use crate::domain::time::Timestamp;
use crate::fanout::{SaleView, Standing};
use crate::limits::FILES_RESERVED;
use crate::ops::alarms::{room_of_disk, rules};
use crate::store::operators::LogQuery;
use crate::store::{StoreError, WriterId, random_id, rehearsals};

/// The duty that nobody does: taking and leaving it are commits.
const PROBE: &str = "readiness";
/// Commits that are measured, two each time.
const PROBES: usize = 5;
/// A disk of a server takes less; the slowest of a few is what fans wait for.
const COMMIT_GOOD: Duration = Duration::from_millis(50);
const COMMIT_BAD: Duration = Duration::from_millis(250);
/// A part of the check that takes longer is bad.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections that a large night may bring to one server.
const CONNECTIONS_GOOD: u64 = 10_000;
/// Fewer are no night.
const CONNECTIONS_BAD: u64 = 1_000;
/// Lines of the log that are looked through for the last rehearsal, each of which leaves three.
const LINES_LOOKED_AT_MAX: u32 = 20;

impl Context {
    /// Looks at everything that has to be well for this sale.
    pub async fn readiness(&self, concert: ConcertId) -> Result<SaleReadiness, ErrorObject> {
        let view = self.woken_sale(concert).await?;
        let at = self.clock.utc();
        let standing = view.standing(at);
        let checks = vec![
            self.store_durable().await,
            self.store_fast().await,
            self.clock_runs(),
            self.disk_has_room().await,
            self.files(),
            self.sale_runs(&view).await,
            self.servers(concert),
            self.keys(),
            rules_in_force(&standing),
            performances(&standing, at),
            plan(&standing),
            prices(&view, &standing),
            opening(&standing, at),
            self.rehearsed(concert).await,
            self.no_alarms(),
            self.webhooks_arrive().await,
        ];
        let ready = checks.iter().all(|check| check.state != CheckState::Bad);
        Ok(SaleReadiness { concert_id: concert.0, at: translate::time(at), ready, checks })
    }

    /// Would what is confirmed survive a loss of power?
    async fn store_durable(&self) -> Check {
        match self.patiently(self.store.loose_settings()).await {
            Ok(loose) => {
                let state = if loose.is_empty() { CheckState::Good } else { CheckState::Bad };
                check(
                    "store_durable",
                    state,
                    [("embedded", json!(self.store.is_embedded())), ("loose", json!(loose))],
                )
            }
            Err(why) => check("store_durable", CheckState::Bad, [("error", json!(why))]),
        }
    }

    /// How long does the store take to keep something?
    async fn store_fast(&self) -> Check {
        let Some(duties) = self.store.duties() else {
            return check("store_fast", CheckState::Look, [("commits", json!(0))]);
        };
        let holder = WriterId(random_id());
        let mut took = Vec::with_capacity(2 * PROBES);
        for _ in 0..PROBES {
            for takes in [true, false] {
                let began = Instant::now();
                let done = async {
                    match takes {
                        true => duties.take_duty(PROBE, holder, self.clock.utc(), PATIENCE).await.map(drop),
                        false => duties.leave_duty(PROBE, holder).await,
                    }
                };
                if let Err(why) = self.patiently(done).await {
                    return check("store_fast", CheckState::Bad, [("error", json!(why))]);
                }
                took.push(began.elapsed());
            }
        }
        took.sort_unstable();
        let (half, most) = (took[took.len() / 2], took[took.len() - 1]);
        let state = match most {
            _ if most <= COMMIT_GOOD => CheckState::Good,
            _ if most <= COMMIT_BAD => CheckState::Look,
            _ => CheckState::Bad,
        };
        let millis = |time: Duration| json!((time.as_secs_f64() * 10_000.0).round() / 10.0);
        check(
            "store_fast",
            state,
            [("commits", json!(took.len())), ("p50_ms", millis(half)), ("max_ms", millis(most))],
        )
    }

    /// Was the machine's clock set since the server began?
    fn clock_runs(&self) -> Check {
        let (steps, step) = (self.metrics.clock_steps.get(), self.metrics.clock_step_ms.get());
        let state = if steps == 0 { CheckState::Good } else { CheckState::Look };
        check("clock", state, [("steps", json!(steps)), ("step_ms", json!(step))])
    }

    async fn disk_has_room(&self) -> Check {
        let data = self.alarms.data().to_owned();
        // A disk may hang: that is not for a thread which serves connections.
        let looked = tokio::task::spawn_blocking(move || room_of_disk(&data));
        let room = tokio::select! {
            biased;
            room = looked => room.ok().flatten(),
            () = self.clock.run_out(PATIENCE) => None,
        };
        let Some((free, total)) = room else {
            return check("disk", CheckState::Bad, [("error", json!("no answer"))]);
        };
        let state =
            if rules::disk_low(true, free, total).is_some() { CheckState::Bad } else { CheckState::Good };
        check("disk", state, [("free_bytes", json!(free)), ("total_bytes", json!(total))])
    }

    /// Does the limit on open files leave room for those who come?
    fn files(&self) -> Check {
        let limit = getrlimit(Resource::Nofile).current;
        let room = limit.map_or(u64::MAX, |files| files.saturating_sub(FILES_RESERVED as u64));
        let room = self.connections_max.map_or(room, |max| room.min(max as u64));
        let state = match room {
            CONNECTIONS_GOOD.. => CheckState::Good,
            CONNECTIONS_BAD.. => CheckState::Look,
            _ => CheckState::Bad,
        };
        check("files", state, [("files", json!(limit)), ("connections", json!(room))])
    }

    /// Does the sale run, and does its lane answer?
    async fn sale_runs(&self, view: &SaleView) -> Check {
        let answers = tokio::select! {
            biased;
            reply = self.submit_and_wait(view.id(), Command::Figures) => reply.is_ok(),
            () = self.clock.run_out(PATIENCE) => false,
        };
        let missing = self.unready().await;
        let state = match (answers, missing.is_empty()) {
            (true, true) => CheckState::Good,
            (true, false) => CheckState::Look,
            (false, _) => CheckState::Bad,
        };
        check("sale_runs", state, [("answers", json!(answers)), ("missing", json!(missing))])
    }

    /// Who runs it?
    fn servers(&self, concert: ConcertId) -> Check {
        let all = self.dispatcher.whereabouts();
        let here =
            all.iter().find(|(known, ..)| *known == concert).map(|(_, place, writer)| (*place, *writer));
        let (place, writer) = here.unwrap_or((Place::Loading, None));
        let elsewhere = all.iter().filter(|(_, place, _)| *place == Place::Elsewhere).count();
        // Fans who come here are served by a copy of what another server runs.
        let is_copied = || self.fanout.sale(concert).is_some() && self.dispatcher.unready().is_empty();
        let state = match place {
            Place::Here => CheckState::Good,
            Place::Elsewhere if is_copied() => CheckState::Good,
            Place::Elsewhere | Place::Loading => CheckState::Bad,
        };
        let facts = [
            ("runs", json!(place.as_str())),
            ("server", json!(self.alarms.server())),
            ("writer", json!(writer.map(|writer| writer.0))),
            ("sales_here", json!(all.len() - elsewhere)),
            ("sales_elsewhere", json!(elsewhere)),
        ];
        check("servers", state, facts)
    }

    /// The print of the key that signs our tokens: servers of one database have the same.
    fn keys(&self) -> Check {
        check("keys", CheckState::Good, [("print", json!(prints::of_key(&self.auth)))])
    }

    /// When was the sale rehearsed last, and how did that end? The log says it, whichever server played it.
    async fn rehearsed(&self, concert: ConcertId) -> Check {
        let Some(operators) = self.store.operators() else {
            return check("rehearsal", CheckState::Look, [("played", json!(false))]);
        };
        let subject = Some(rehearsals::subject(concert));
        let query = LogQuery { subject, limit: LINES_LOOKED_AT_MAX, ..LogQuery::default() };
        let lines = match self.patiently(operators.log(&query)).await {
            Ok(lines) => lines,
            Err(why) => return check("rehearsal", CheckState::Look, [("error", json!(why))]),
        };
        // Newest first.
        let newest = |what: &str| lines.iter().position(|line| line.what == what);
        let Some(began) = newest(rehearsals::BEGAN) else {
            return check("rehearsal", CheckState::Look, [("played", json!(false))]);
        };
        let began_at = json!(translate::time(lines[began].at));
        let Some(over) = newest(rehearsals::OVER).filter(|over| *over < began) else {
            let playing = self.rehearsals.of(concert);
            let goes_on = playing.is_some_and(|playing| !playing.has_ended());
            let facts = [("began_at", began_at), ("goes_on", json!(goes_on)), ("ended", json!(false))];
            return check("rehearsal", CheckState::Look, facts);
        };
        let outcome = lines[over].became.as_ref();
        let fact = |name: &str| outcome.and_then(|outcome| outcome.get(name)).cloned().unwrap_or(Value::Null);
        let state = match (fact("ok") == json!(true), fact("ended_early") == json!(true)) {
            (_, true) => CheckState::Look,
            (true, false) => CheckState::Good,
            (false, false) => CheckState::Bad,
        };
        let facts = [
            ("began_at", began_at),
            ("ok", fact("ok")),
            ("ended_early", fact("ended_early")),
            ("buyers", fact("buyers")),
            ("bought", fact("bought")),
            ("seats_sold", fact("seats_sold")),
            ("faults", fact("faults")),
        ];
        check("rehearsal", state, facts)
    }

    fn no_alarms(&self) -> Check {
        let open = self.open_alarms();
        let kinds: Vec<_> = open.iter().map(|alarm| format!("{}, {}", alarm.kind, alarm.subject)).collect();
        let state = if kinds.is_empty() { CheckState::Good } else { CheckState::Bad };
        check("alarms", state, [("open", json!(kinds))])
    }

    /// Did the newest message to each webhook arrive?
    async fn webhooks_arrive(&self) -> Check {
        let Some(store) = self.store.webhooks() else {
            return check("webhooks", CheckState::Look, [("webhooks", json!(0))]);
        };
        let looking = async {
            let (mut arrived, mut failing, mut untried) = (0, Vec::new(), 0);
            for webhook in store.webhooks().await?.into_iter().filter(|webhook| webhook.stopped_at.is_none())
            {
                match store.deliveries(webhook.id, None, 1).await?.first() {
                    Some(delivery) if delivery.done_at.is_some() => arrived += 1,
                    Some(delivery) if delivery.tries > 0 => failing.push(webhook.url),
                    _ => untried += 1,
                }
            }
            Ok::<_, StoreError>((arrived, failing, untried))
        };
        match self.patiently(looking).await {
            Ok((arrived, failing, untried)) => {
                let state = match (failing.is_empty(), arrived > 0 && untried == 0) {
                    (false, _) => CheckState::Bad,
                    (true, true) => CheckState::Good,
                    (true, false) => CheckState::Look,
                };
                let facts =
                    [("arrived", json!(arrived)), ("untried", json!(untried)), ("failing", json!(failing))];
                check("webhooks", state, facts)
            }
            Err(why) => check("webhooks", CheckState::Bad, [("error", json!(why))]),
        }
    }

    async fn patiently<T>(&self, doing: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
        tokio::select! {
            biased;
            done = doing => done.map_err(|error| error.reason()),
            () = self.clock.run_out(PATIENCE) => Err("no answer".to_owned()),
        }
    }
}

/// The rules in force, and their print, to be compared with what was agreed.
fn rules_in_force(of: &Standing) -> Check {
    let rules = json!(translate::settings(&of.rules));
    let print = print_of(rules.to_string().as_bytes());
    check("rules", CheckState::Good, [("rules", rules), ("print", json!(print))])
}

/// Is there a performance to be sold?
fn performances(of: &Standing, utc: Timestamp) -> Check {
    let all = of.schedules.iter().map(|schedule| &schedule.schedule);
    let to_come = all.filter(|schedule| schedule.state == ScheduleState::Planned && schedule.starts_at > utc);
    let (next, count) = (to_come.clone().map(|schedule| schedule.starts_at).min(), to_come.count());
    let state = if count > 0 { CheckState::Good } else { CheckState::Bad };
    check(
        "performances",
        state,
        [("to_come", json!(count)), ("next_start", json!(next.map(translate::time)))],
    )
}

/// Are there seats to be sold?
fn plan(of: &Standing) -> Check {
    let counts = of.counts();
    let state = match counts.for_sale() {
        0 => CheckState::Bad,
        _ if counts.available == 0 => CheckState::Look,
        _ => CheckState::Good,
    };
    let facts = [
        ("seats", json!(counts.seats())),
        ("available", json!(counts.available)),
        ("restricted", json!(counts.restricted)),
        ("time_zone", json!(of.concert.time_zone)),
    ];
    check("plan", state, facts)
}

/// Does every category have a price?
fn prices(view: &SaleView, of: &Standing) -> Check {
    let mut told = serde_json::Map::new();
    let mut free = Vec::new();
    for topic in view.topics() {
        let prices = topic.prices();
        for (category, price) in topic.plan().categories.iter().zip(prices.iter()) {
            if *price == 0 && !free.contains(&category.name) {
                free.push(category.name.clone());
            }
            told.insert(category.name.to_string(), json!(price));
        }
    }
    // What costs nothing may be meant so; somebody should have looked.
    let state = match (view.sells(), free.is_empty()) {
        (false, _) => CheckState::Bad,
        (true, false) => CheckState::Look,
        (true, true) => CheckState::Good,
    };
    check("prices", state, [("currency", json!(of.concert.currency)), ("prices", Value::Object(told))])
}

/// Does it open, and before what it sells begins?
fn opening(of: &Standing, utc: Timestamp) -> Check {
    let (state, opens) = (of.settings.state, of.settings.opens_at);
    let last = of.schedules.iter().map(|schedule| schedule.schedule.starts_at).max();
    let how = match state {
        SaleState::Open => CheckState::Good,
        SaleState::Scheduled => match opens {
            Some(at) if at > utc && last.is_some_and(|last| at < last) => CheckState::Good,
            _ => CheckState::Bad,
        },
        SaleState::Paused => CheckState::Look,
        SaleState::Closed => CheckState::Bad,
    };
    let facts =
        [("state", json!(translate::sale_state(state))), ("opens_at", json!(opens.map(translate::time)))];
    check("opening", how, facts)
}

fn check<const N: usize>(name: &str, state: CheckState, facts: [(&str, Value); N]) -> Check {
    Check { name: name.to_owned(), state, facts: rules::facts(facts) }
}
