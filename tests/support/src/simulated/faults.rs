//! The faults of a simulated store, and how often they come. They are drawn from a seed, so that the same seed goes
//! wrong in the same way.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The calls of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    OpenWriter,
    Begin,
    Commit,
    Rollback,
    Settle,
    Claim,
    Load,
    CountOutage,
    Heartbeat,
    ReleaseClaims,
    BeatMember,
    Read,
    OpenTableWriter,
    Follow,
    CatchUp,
}

/// The end of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Certainly rolled back: a deadlock.
    RolledBack,
    /// The connection was lost before anything was done.
    Unreachable,
    /// Done, and the connection was lost before the answer came.
    AnswerLost,
    /// The disk is full.
    Broken,
    /// The connection was lost in a commit that was not done.
    UnknownUndone,
    /// The connection was lost in a commit that was done.
    UnknownDone,
    /// The connection was lost in a commit; the server has not noticed, and goes on with it or not, some time later.
    UnknownOpen,
    /// The process dies before it is done.
    CrashBefore,
    /// The process dies after it was done, before it gets the answer.
    CrashAfter,
}

/// Commits may fail in every way.
const OF_COMMIT: &[Fault] = &[
    Fault::RolledBack,
    Fault::Unreachable,
    Fault::Broken,
    Fault::UnknownUndone,
    Fault::UnknownDone,
    Fault::UnknownOpen,
    Fault::CrashBefore,
    Fault::CrashAfter,
];
const OF_SETTLING: &[Fault] = &[
    Fault::RolledBack,
    Fault::Unreachable,
    Fault::UnknownUndone,
    Fault::UnknownDone,
    Fault::CrashBefore,
    Fault::CrashAfter,
];
const OF_WRITING: &[Fault] =
    &[Fault::RolledBack, Fault::Unreachable, Fault::AnswerLost, Fault::CrashBefore, Fault::CrashAfter];
/// What follows may be lost in a commit as well.
const OF_FOLLOWING: &[Fault] = &[
    Fault::RolledBack,
    Fault::Unreachable,
    Fault::AnswerLost,
    Fault::UnknownOpen,
    Fault::CrashBefore,
    Fault::CrashAfter,
];
const OF_READING: &[Fault] = &[Fault::RolledBack, Fault::Unreachable, Fault::CrashBefore];

/// The number of crashes of 1,000 that come, of those that are drawn for calls other than commits.
const CRASHES_PER_MILLE: u32 = 200;

/// The numbers that a plan of faults is drawn by.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The number of calls of 1,000 that fail, among those that do not commit or settle a batch, and among those that
    /// do.
    pub fail_per_mille: u32,
    pub fail_commit_per_mille: u32,
    /// The number of calls of 1,000 that hang for seconds first.
    pub hang_per_mille: u32,
    /// The time that a call takes at most when nothing is wrong.
    pub latency_max: Duration,
    /// May processes die?
    pub crashes: bool,
}

impl Weather {
    /// Every call succeeds at once.
    pub const CALM: Self = Self {
        fail_per_mille: 0,
        fail_commit_per_mille: 0,
        hang_per_mille: 0,
        latency_max: Duration::ZERO,
        crashes: false,
    };
}

pub(super) struct Faults {
    rng: StdRng,
    /// The faults of the next calls of their kinds, before anything is drawn.
    pub planned: VecDeque<(Call, Fault)>,
    pub weather: Weather,
    pub injected: BTreeMap<(Call, Fault), u64>,
    pub hung: u64,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        let planned = VecDeque::new();
        Self {
            rng: StdRng::seed_from_u64(seed),
            planned,
            weather: Weather::CALM,
            injected: BTreeMap::new(),
            hung: 0,
        }
    }

    /// The time that the next call takes.
    pub fn latency(&mut self) -> Duration {
        let Weather { hang_per_mille, latency_max, .. } = self.weather;
        if self.happens(hang_per_mille) {
            self.hung += 1;
            return Duration::from_millis(self.rng.random_range(500..20_000));
        }
        match latency_max.as_millis() as u64 {
            0 => Duration::ZERO,
            max => Duration::from_millis(self.rng.random_range(0..=max)),
        }
    }

    /// The fault that ends the next call; `None`: it ends well.
    pub fn next(&mut self, call: Call) -> Option<Fault> {
        if let Some(at) = self.planned.iter().position(|(of, _)| *of == call) {
            return self.planned.remove(at).map(|(_, fault)| fault);
        }
        let is_commit = matches!(call, Call::Commit | Call::Settle);
        let Weather { fail_per_mille, fail_commit_per_mille, .. } = self.weather;
        if !self.happens(if is_commit { fail_commit_per_mille } else { fail_per_mille }) {
            return None;
        }
        let possible = match call {
            Call::Commit => OF_COMMIT,
            Call::Settle => OF_SETTLING,
            Call::Claim
            | Call::CountOutage
            | Call::Heartbeat
            | Call::ReleaseClaims
            | Call::BeatMember
            | Call::CatchUp => OF_WRITING,
            Call::Follow => OF_FOLLOWING,
            Call::OpenWriter
            | Call::OpenTableWriter
            | Call::Begin
            | Call::Rollback
            | Call::Load
            | Call::Read => OF_READING,
        };
        let fault = possible[self.rng.random_range(0..possible.len())];
        // Most calls are no commits; if each of them could kill, nobody would live to commit anything.
        let kills = is_commit || self.happens(CRASHES_PER_MILLE);
        if matches!(fault, Fault::CrashBefore | Fault::CrashAfter) && !(self.weather.crashes && kills) {
            return None;
        }
        *self.injected.entry((call, fault)).or_default() += 1;
        Some(fault)
    }

    /// The outcome of a transaction that was left open, and the time until it.
    pub fn late_outcome(&mut self) -> (bool, Duration) {
        (self.rng.random(), Duration::from_millis(self.rng.random_range(10..5_000)))
    }

    /// Is a statement that was lost still on its way, and not with the server?
    pub fn is_late(&mut self) -> bool {
        self.rng.random()
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.rng.random_range(0..1_000) < per_mille
    }
}
