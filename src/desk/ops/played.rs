//! What is known of the rehearsal that is played here, or was last: how far it is, and what it found.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use frontrow_crowd::record::{Board, Counter, FanState};
use frontrow_protocol::ops::rehearsal::{
    BeginRehearsal, Rehearsal, RehearsalFigures, RehearsalReport, RehearsalState,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use crate::desk::translate;
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::ops::rehearsals::Entered;
use crate::store::NewConcert;
use crate::store::operators::Note;

/// The rehearsal that is played here, or was last.
pub struct Rehearsals {
    /// Where this server listens for fans, as it is reached from here.
    pub(super) at: OnceLock<SocketAddr>,
    pub(super) last: Mutex<Option<Arc<Playing>>>,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) waiting: tokio::sync::Mutex<mpsc::Receiver<Job>>,
}

/// A rehearsal that is to be played.
pub(super) struct Job {
    pub(super) playing: Arc<Playing>,
    pub(super) copy: NewConcert,
    pub(super) seats_each: u8,
    pub(super) note: Note,
    pub(super) entered: Entered,
}

/// A rehearsal, as far as it is known while it is played and afterwards.
pub(super) struct Playing {
    pub(super) of: ConcertId,
    pub(super) asked: BeginRehearsal,
    pub(super) began_at: Timestamp,
    pub(super) state: Mutex<State>,
    pub(super) board: Arc<Board>,
    pub(super) is_stopped: AtomicBool,
    pub(super) stopped: Notify,
}

pub(super) struct State {
    pub(super) state: RehearsalState,
    pub(super) ended_at: Option<Timestamp>,
    /// When the buyers began.
    pub(super) since: Option<Instant>,
    pub(super) figures: RehearsalFigures,
    pub(super) report: Option<RehearsalReport>,
    pub(super) problem: Option<String>,
    /// The operator who ended it.
    pub(super) ended_by: Option<Note>,
}

impl Default for Rehearsals {
    fn default() -> Self {
        // One at a time: whoever has entered the stage has room here.
        let (jobs, waiting) = mpsc::channel(1);
        let waiting = tokio::sync::Mutex::new(waiting);
        Self { at: OnceLock::new(), last: Mutex::default(), jobs, waiting }
    }
}

impl Rehearsals {
    /// The address that fans connect to, which is reached from this process by itself.
    pub fn listens_at(&self, address: SocketAddr) {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let _ = self.at.set(SocketAddr::new(ip, address.port()));
    }

    pub(super) fn of(&self, concert: ConcertId) -> Option<Arc<Playing>> {
        self.last.lock().clone().filter(|playing| playing.of == concert)
    }
}

impl Playing {
    pub(super) fn new(of: ConcertId, asked: BeginRehearsal, began_at: Timestamp) -> Self {
        let state = State {
            state: RehearsalState::Preparing,
            ended_at: None,
            since: None,
            figures: RehearsalFigures::default(),
            report: None,
            problem: None,
            ended_by: None,
        };
        Self {
            of,
            asked,
            began_at,
            state: Mutex::new(state),
            board: Board::new(),
            is_stopped: AtomicBool::new(false),
            stopped: Notify::new(),
        }
    }

    pub(super) fn shown(&self) -> Rehearsal {
        let state = self.state.lock();
        Rehearsal {
            state: state.state,
            began_at: translate::time(self.began_at),
            ended_at: state.ended_at.map(translate::time),
            asked: (&self.asked).into(),
            figures: state.figures,
            report: state.report.clone(),
            problem: state.problem.clone(),
        }
    }

    /// As it is kept, once nothing else of it is left.
    pub(super) fn as_over(&self, at: Timestamp) -> Rehearsal {
        let (state, ended_at) = (RehearsalState::Over, Some(translate::time(at)));
        Rehearsal { state, ended_at, ..self.shown() }
    }

    pub(super) fn stop(&self, note: Note) {
        let mut state = self.state.lock();
        if matches!(state.state, RehearsalState::Preparing | RehearsalState::Playing) {
            state.ended_by.get_or_insert(note);
        }
        drop(state);
        self.is_stopped.store(true, Ordering::Release);
        self.stopped.notify_one();
    }

    /// Nobody new comes any more.
    pub(super) fn winds_up(&self) {
        self.state.lock().state = RehearsalState::Ending;
    }

    pub(super) fn plays(&self) {
        let mut state = self.state.lock();
        state.state = RehearsalState::Playing;
        state.since = Some(Instant::now());
    }

    /// Takes note of what the buyers have told so far.
    pub(super) fn look(&self, asked: &BeginRehearsal) {
        let fans = self.board.tick(None).fans;
        let count = |state: FanState| fans.get(state.name()).copied().unwrap_or(0).max(0).unsigned_abs();
        let counted = |counter| self.board.counter(counter);
        let mut state = self.state.lock();
        let seconds = state.since.map_or(0, |since| since.elapsed().as_secs());
        state.figures = RehearsalFigures {
            seconds: u32::try_from(seconds).unwrap_or(asked.seconds),
            arrived: counted(Counter::Arrivals),
            waiting: count(FanState::Waiting),
            admitted: count(FanState::Admitted),
            holding: count(FanState::Holding),
            bought: counted(Counter::Buyers),
            seats_sold: counted(Counter::SeatsSold),
            abandoned: counted(Counter::Abandoned),
            faults: self.board.faults().0,
        };
    }

    /// Gives who ended it, if somebody did.
    pub(super) fn ends(&self, problem: Option<String>) -> Option<Note> {
        let mut state = self.state.lock();
        state.state = RehearsalState::Ending;
        state.problem = problem;
        state.ended_by.take()
    }

    /// How it ended, as it is kept.
    pub(super) fn outcome(&self) -> Value {
        let state = self.state.lock();
        let is_ok = state.problem.is_none() && state.report.as_ref().is_some_and(|report| report.ok);
        json!({
            "ok": is_ok,
            "ended_early": self.is_stopped.load(Ordering::Acquire),
            "buyers": self.asked.buyers,
            "bought": state.figures.bought,
            "seats_sold": state.figures.seats_sold,
            "faults": state.figures.faults,
        })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().state == RehearsalState::Over
    }

    pub(super) fn is_over(&self, at: Timestamp) {
        let mut state = self.state.lock();
        state.state = RehearsalState::Over;
        state.ended_at = Some(at);
    }
}
