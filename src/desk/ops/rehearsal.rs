//! Rehearsals: synthetic buyers in this process play a hidden copy of a sale, over the whole way that fans take.
//!
//! Always: there is one at a time for all servers of a database, its buyers are bounded in number and time, and however it
//! ends, what is left of it is taken away. Not here: what buyers do (`frontrow_crowd`), and how rows go (`ops::rehearsals`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use frontrow_crowd::claims::Claims;
use frontrow_crowd::crew::Crew;
use frontrow_crowd::door::Door;
use frontrow_crowd::figures::{self, Check};
use frontrow_crowd::night::{Arrivals, Night, Wishes, arrive_all};
use frontrow_crowd::record::{Counter, FanState};
use frontrow_crowd::shop::{Pick, Shop, Venue};
use frontrow_crowd::tokens::Tokens;
use frontrow_protocol::ops::rehearsal::{
    BeginRehearsal, Rehearsal, RehearsalCheck, RehearsalFigure, RehearsalOf, RehearsalOperation,
    RehearsalReport, RehearsalSecond, RehearsalState,
};
use frontrow_protocol::{ErrorObject, SeatState, decode_seats};
use rustix::process::{Resource, getrlimit};

use super::making::SEATS_ANNOUNCED_MAX;
use super::played::{Job, Playing};
use crate::desk::Context;
use crate::domain::ids::{ConcertId, ScheduleId, SeatId, UserId};
use crate::domain::record::{SaleState, ScheduleState};
use crate::domain::rules::SaleSettings;
use crate::domain::time::Timestamp;
use crate::fanout::{SaleView, SeatTopic};
use crate::limits::FILES_RESERVED;
use crate::ops::rehearsals::DUTY_AGAIN;
use crate::store::operators::Note;
use crate::store::rehearsals::{Outcome, StoredRehearsal};
use crate::store::{NewConcert, StoreError};

/// Seats that a buyer wants, if the sale's rules allow them: 1 up to this.
const SEATS_EACH: u32 = 4;
/// Threads that play the buyers: they are few, and the processors are for fans.
const THREADS: usize = 1;
/// How often it is looked whether everybody is through.
const POLL: Duration = Duration::from_millis(20);
/// The time that buyers may take to come to their end when it is over.
const END_PATIENCE: Duration = Duration::from_secs(60);
/// Beyond its end, tokens are good for this long: for whoever is in the middle of something.
const TOKEN_SPARE: Duration = Duration::from_secs(600);
/// Whoever wants to rehearse meanwhile comes again after this.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);

/// What is there of a rehearsal while it is made and played, to be forgotten in the end.
#[derive(Default)]
struct Made {
    concert: Option<ConcertId>,
    users: Vec<UserId>,
}

/// Why a rehearsal came to no good end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("this store keeps no rehearsals")]
    NoRehearsals,
    #[error("the store could not answer: {}", .0.reason())]
    Store(#[from] StoreError),
    #[error("the copy of the sale could not be loaded")]
    NotLoaded,
    #[error("the buyers could not begin: {0}")]
    Crew(String),
    #[error("another server has taken over what is to be done for rehearsals")]
    DutyLost,
}

impl Context {
    /// The last rehearsal of a concert.
    pub async fn rehearsal(&self, concert: ConcertId) -> Result<RehearsalOf, ErrorObject> {
        let rehearsal = self.last_rehearsal(concert).await?;
        if rehearsal.is_none() {
            self.woken_sale(concert).await?;
        }
        Ok(RehearsalOf { concert_id: concert.0, rehearsal })
    }

    /// The one that is played here, or else the last one, whichever server played it.
    async fn last_rehearsal(&self, concert: ConcertId) -> Result<Option<Rehearsal>, ErrorObject> {
        let own = self.rehearsals.of(concert).map(|playing| playing.shown());
        if own.as_ref().is_some_and(|own| own.state != RehearsalState::Over) {
            return Ok(own);
        }
        let Some(store) = self.store.rehearsals() else { return Ok(own) };
        let kept = self.read(store.last_rehearsal(concert)).await?;
        let kept = kept.map(|body| serde_json::from_str::<Rehearsal>(&body)).transpose();
        let kept = kept.map_err(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(concert.id = concert.0, error, "what a rehearsal found cannot be read");
            ErrorObject::internal()
        })?;
        // Ours is newer where it could not be written down.
        Ok(kept.into_iter().chain(own).max_by_key(|rehearsal| rehearsal.began_at))
    }

    /// Has a hidden copy of a sale played.
    pub async fn begin_rehearsal(
        &self,
        concert: ConcertId,
        asked: BeginRehearsal,
        note: Note,
    ) -> Result<RehearsalOf, ErrorObject> {
        let view = self.woken_sale(concert).await?;
        let copy = copy_of(&view, note.at)?;
        self.has_room_for(asked.buyers)?;
        let rules = view.rules();
        let most = [SEATS_EACH, rules.seats_per_reservation_max, rules.seats_per_user_max];
        let most = most.into_iter().filter(|most| *most > 0).min().unwrap_or(SEATS_EACH);
        let store = self.store.rehearsals().ok_or_else(ErrorObject::internal)?;
        let Some(entered) = self.read(self.stage.enter()).await? else {
            return Err(busy("another rehearsal is played: wait for its end, or end it"));
        };
        if !self.read(store.rehearsals()).await?.is_empty() {
            drop(entered);
            self.stage.look_again();
            return Err(busy("what is left of an earlier rehearsal is being taken away"));
        }
        let playing = Arc::new(Playing::new(concert, asked, note.at));
        let job = Job { playing: playing.clone(), copy, seats_each: most as u8, note, entered };
        self.rehearsals.jobs.try_send(job).map_err(|_| busy("another rehearsal is about to begin"))?;
        *self.rehearsals.last.lock() = Some(playing);
        self.rehearsal(concert).await
    }

    /// The last rehearsal of a concert with what it found, and the concert's title, for a page of its own.
    pub async fn rehearsal_found(&self, concert: ConcertId) -> Result<(String, Rehearsal), ErrorObject> {
        let view = self.woken_sale(concert).await?;
        let last = self.last_rehearsal(concert).await?;
        let found = last.filter(|rehearsal| rehearsal.report.is_some());
        let found = found.ok_or_else(|| ErrorObject::not_found("report of a rehearsal"))?;
        Ok((view.concert().title.clone(), found))
    }

    /// Ends a rehearsal; one that is over, or ends already, stays so.
    pub async fn end_rehearsal(&self, concert: ConcertId, note: Note) -> Result<RehearsalOf, ErrorObject> {
        if let Some(playing) = self.rehearsals.of(concert) {
            playing.stop(note);
        }
        self.rehearsal(concert).await
    }

    /// Each buyer has a socket at either end.
    fn has_room_for(&self, buyers: u32) -> Result<(), ErrorObject> {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let used = self.metrics.sockets.get().max(0).unsigned_abs() + FILES_RESERVED as u64;
        let room = files.saturating_sub(used) / 2;
        if u64::from(buyers) <= room {
            return Ok(());
        }
        let problem = format!(
            "the limit on open files ({files}) leaves room for {room} buyers beside those who are connected"
        );
        Err(ErrorObject::invalid_params(Some("buyers"), &problem))
    }
}

fn busy(why: &'static str) -> ErrorObject {
    let mut error = ErrorObject::unavailable(BUSY_RETRY_AFTER.as_millis() as u64);
    error.message = why.into();
    error
}

/// A sale as it is rehearsed: its plan, rules and dates as far as they are still to come, at the prices of its next
/// performance, without the seats that the house keeps in all of them.
fn copy_of(view: &SaleView, now: Timestamp) -> Result<NewConcert, ErrorObject> {
    let is_to_come = |topic: &Arc<SeatTopic>| {
        let schedule = topic.schedule();
        schedule.starts_at > now && schedule.state == ScheduleState::Planned
    };
    let mut topics: Vec<_> = view.topics().filter(is_to_come).collect();
    topics.sort_by_key(|topic| (topic.schedule().starts_at, topic.id()));
    let first = topics.first().ok_or_else(ErrorObject::no_schedules_available)?;
    if !view.sells() {
        return Err(ErrorObject::invalid_request(
            "this concert is in another currency than wallets, and not sold",
        ));
    }
    let mut layout = first.layout().as_ref().clone();
    for (category, price) in layout.categories.iter_mut().zip(first.prices().iter()) {
        category.price = *price;
    }
    let seats = topics.len() * layout.seat_count();
    if seats > SEATS_ANNOUNCED_MAX {
        return Err(ErrorObject::invalid_request(format!(
            "{seats} seats in all performances are more than {SEATS_ANNOUNCED_MAX}, which are rehearsed at most"
        )));
    }
    let restricted = topics.iter().map(|topic| restricted_in(topic)).reduce(|mut all, these| {
        all.retain(|seat| these.binary_search(seat).is_ok());
        all
    });
    let record = view.concert();
    Ok(NewConcert {
        title: record.title.clone(),
        currency: record.currency.clone(),
        time_zone: record.time_zone.clone(),
        layout,
        starts_at: topics.iter().map(|topic| topic.schedule().starts_at).collect(),
        restricted: restricted.unwrap_or_default(),
        about: None,
        again: true,
        settings: SaleSettings {
            state: SaleState::Open,
            opens_at: None,
            message: None,
            own: view.settings().own,
        },
        at: now,
    })
}

fn restricted_in(topic: &SeatTopic) -> Vec<SeatId> {
    let snapshot = topic.snapshot();
    let states = decode_seats(&snapshot.seats, snapshot.count).unwrap_or_default();
    let numbered = states.into_iter().enumerate();
    numbered
        .filter(|(_, state)| *state == SeatState::Restricted)
        .map(|(seat, _)| SeatId(seat as u32))
        .collect()
}

/// Plays one rehearsal after the other, as they are asked for, for as long as the server runs.
pub async fn play_rehearsals(context: Arc<Context>) {
    let mut jobs = context.rehearsals.waiting.lock().await;
    while let Some(Job { playing, copy, seats_each, note, entered }) = jobs.recv().await {
        let mut made = Made::default();
        let played = play(&context, &playing, copy, seats_each, &note, &mut made).await;
        if let Err(trouble) = &played {
            tracing::warn!(concert.id = playing.of.0, error = %trouble, "a rehearsal came to no good end");
        }
        let ended_by = playing.ends(played.err().map(|trouble| trouble.to_string()));
        if let (Some(concert), Some(store)) = (made.concert, context.store.rehearsals()) {
            let stored = StoredRehearsal { concert, of: playing.of, is_over: false };
            // What fails here is done once more below.
            let _ = store.end_rehearsal(stored, context.clock.utc(), ended_by.as_ref()).await;
        }
        context.stage.leave(entered).await;
        // Their numbers may become other people's.
        made.users.iter().for_each(|user| context.users.forget(user));
        let now = context.clock.utc();
        if let Some(store) = context.store.rehearsals() {
            let (note, in_short) = (Note { at: now, ..note }, playing.outcome());
            let body = serde_json::json!(playing.as_over(now)).to_string();
            let outcome = Outcome { began_at: playing.began_at, in_short: &in_short, body: &body };
            if let Err(error) = store.note_outcome(playing.of, &note, &outcome).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    concert.id = playing.of.0,
                    error,
                    "how a rehearsal ended could not be written down"
                );
            }
        }
        playing.is_over(now);
    }
}

async fn play(
    context: &Context,
    playing: &Playing,
    copy: NewConcert,
    seats_each: u8,
    note: &Note,
    made: &mut Made,
) -> Result<(), Trouble> {
    let store = context.store.rehearsals().ok_or(Trouble::NoRehearsals)?;
    let asked = &playing.asked;
    let (concert, schedules) = store.add_rehearsal(playing.of, &copy, note).await?;
    made.concert = Some(concert);
    made.users = store.add_buyers(concert, asked.buyers, context.clock.utc()).await?;
    if !context.stage.keep().await? {
        return Err(Trouble::DutyLost);
    }
    store.begin_rehearsal(concert).await?;
    context.dispatcher.rehearse(concert).await.map_err(|_| Trouble::NotLoaded)?;
    let view = context.fanout.any_sale(concert).ok_or(Trouble::NotLoaded)?;
    let ttl = Duration::from_secs(asked.seconds.into()) + TOKEN_SPARE;
    let now = context.clock.utc();
    let tokens: Tokens = made.users.iter().map(|user| context.auth.mint_user(*user, now, ttl)).collect();
    let schedules: Vec<u64> = schedules.into_iter().map(|ScheduleId(id)| id).collect();
    let seats = copy.layout.seat_count();
    let claims = Arc::new(Claims::new(&schedules, seats));
    let venue = Venue { concert: concert.0, schedules, seats };
    let seed = u64::from(asked.seed);
    let arrivals = Arrivals::Burst(Duration::from_secs(asked.arrive_within.into()));
    let night = Arc::new(Night {
        wishes: Wishes {
            seats_each,
            pick: Pick::Mixed,
            think: Duration::from_millis(asked.think_ms.into()),
            abandon: asked.abandon as u8,
        },
        tokens: Arc::new(tokens),
        arrivals: arrivals.times(asked.buyers as usize, seed),
        seed,
    });
    let at = *context.rehearsals.at.get().ok_or_else(|| Trouble::Crew("nobody listens".to_owned()))?;
    let (of_venue, of_claims) = (venue, claims.clone());
    let crew = Crew::start(THREADS, &[Door::plain(at)], Some(context.callers.clone()), &playing.board, {
        move |worker| {
            let (night, shop) = (night.clone(), Shop::new(&of_venue, &of_claims));
            async move {
                arrive_all(&worker, &night, &shop).await;
                Ok::<(), std::io::Error>(())
            }
        }
    });
    let crew = crew.map_err(|error| Trouble::Crew(error.to_string()))?;
    let conducted = conduct(context, playing, &crew).await;
    playing.board.end_window();
    playing.winds_up();
    crew.stop();
    let began = Instant::now();
    while !crew.is_finished() && began.elapsed() < END_PATIENCE {
        tokio::time::sleep(POLL).await;
    }
    if !crew.is_finished() {
        playing.board.fault(format!("buyers still wait for an answer after {} s", END_PATIENCE.as_secs()));
    }
    if let Err(error) = crew.collect() {
        playing.board.fault(error.to_string());
    }
    playing.board.settle();
    playing.look(asked);
    let report = report(context, playing, &view, &claims);
    playing.state.lock().report = Some(report);
    conducted
}

/// Lets the buyers play until they are through, or their time is.
async fn conduct(context: &Context, playing: &Playing, crew: &Crew) -> Result<(), Trouble> {
    let asked = &playing.asked;
    playing.plays();
    playing.board.begin_window();
    crew.go();
    let began = Instant::now();
    let (mut ticked, mut kept) = (began, began);
    while crew.done() < u64::from(asked.buyers)
        && began.elapsed() < Duration::from_secs(asked.seconds.into())
        && !crew.is_finished()
        && !playing.is_stopped.load(Ordering::Acquire)
    {
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = playing.stopped.notified() => {}
        }
        if ticked.elapsed() >= Duration::from_secs(1) {
            ticked = Instant::now();
            playing.look(asked);
        }
        if kept.elapsed() >= DUTY_AGAIN {
            kept = Instant::now();
            if !context.stage.keep().await? {
                return Err(Trouble::DutyLost);
            }
        }
    }
    Ok(())
}

fn report(context: &Context, playing: &Playing, view: &SaleView, claims: &Claims) -> RehearsalReport {
    let board = &playing.board;
    let counts = view.standing(context.clock.utc()).counts();
    let (sold, confirmed) = (counts.sold, claims.sold());
    let (faults, first_faults) = board.faults();
    let sum = counts.available + counts.held + counts.sold + counts.restricted;
    let arrived = board.counter(Counter::Arrivals);
    let checks = [
        Check {
            name: "each seat confirmed to one fan only",
            ok: claims.doubled() == 0,
            detail: format!("{} given twice", claims.doubled()),
        },
        Check {
            name: "seats sold as confirmed to the buyers",
            ok: sold == confirmed,
            detail: format!("{sold} sold, {confirmed} confirmed"),
        },
        Check {
            name: "every confirmed hold is there",
            ok: counts.held >= claims.held(),
            detail: format!("{} held, {} confirmed", counts.held, claims.held()),
        },
        Check {
            name: "free + held + sold + kept = seats",
            ok: sum == counts.seats(),
            detail: format!("{sum} of {}", counts.seats()),
        },
        Check {
            name: "everybody came",
            ok: arrived == u64::from(playing.asked.buyers),
            detail: format!("{arrived} of {}", playing.asked.buyers),
        },
        Check {
            name: "every answer matched, nothing failed",
            ok: faults == 0,
            detail: format!("{faults} faults"),
        },
    ];
    let figures = figures::of_night(board).into_iter().map(|figure| RehearsalFigure {
        name: figure.name.to_owned(),
        value: figure.value,
        unit: figure.unit.to_owned(),
        about: figure.about.to_owned(),
    });
    let operations = board.summary().into_iter().map(|of| RehearsalOperation {
        op: of.op.to_owned(),
        ok: of.ok,
        refused: of.refused,
        reasons: of.reasons.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
        failed: of.failed,
        per_second: of.per_second,
        p50_ms: of.p50_ms,
        p90_ms: of.p90_ms,
        p99_ms: of.p99_ms,
        max_ms: of.max_ms,
    });
    let seconds = board.seconds().into_iter().map(|second| {
        let counted = |counter: Counter| second.counters.get(counter.name()).copied().unwrap_or(0);
        let waiting = second.fans.get(FanState::Waiting.name()).copied().unwrap_or(0);
        RehearsalSecond {
            second: second.second as u32,
            arrived: counted(Counter::Arrivals),
            admissions: counted(Counter::Admissions),
            seats_held: counted(Counter::SeatsHeld),
            seats_sold: counted(Counter::SeatsSold),
            waiting: waiting.max(0).unsigned_abs(),
        }
    });
    RehearsalReport {
        ok: checks.iter().all(|check| check.ok),
        window_seconds: board.window().as_secs_f64(),
        figures: figures.collect(),
        operations: operations.collect(),
        checks: checks
            .into_iter()
            .map(|Check { name, ok, detail }| RehearsalCheck { name: name.to_owned(), ok, detail })
            .collect(),
        faults,
        first_faults,
        seconds: seconds.collect(),
    }
}
