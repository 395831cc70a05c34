//! When something is wrong: what was seen of sales and of this server, and what follows from it. Pure: no clock, no store.
//!
//! Always: an alarm is raised only after something was wrong for a while, and ends only after it was right for a while, so that
//! nothing flickers. What ends one is easier to reach than what raised it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::ids::{ConcertId, ScheduleId};
use crate::domain::time::Timestamp;
use crate::fanout::Times;

/// The figures that raised an alarm, by name.
pub type Facts = BTreeMap<String, Value>;

/// Declares each kind once: its name on the wire, and for how long it has to be so, and not so.
macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident $name:literal $raised_after:literal $ended_after:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$about])* $kind,)+
        }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// It is wrong for so long before it is raised.
            const fn raised_after(self) -> Duration {
                match self {
                    $(Self::$kind => Duration::from_secs($raised_after),)+
                }
            }

            /// It is right for so long before it ends.
            const fn ended_after(self) -> Duration {
                match self {
                    $(Self::$kind => Duration::from_secs($ended_after),)+
                }
            }
        }
    };
}

kinds! {
    /// Fans wait, places and seats are free, and nobody is let in.
    NoMovement "no_movement" 8 4,
    /// Those who ask wait long for their answers.
    AnswersLate "answers_late" 4 30,
    /// The store takes long to keep what was decided.
    CommitsSlow "commits_slow" 4 30,
    /// A lane does not answer.
    LaneOut "lane_out" 5 4,
    /// Much is refused for reasons of ours.
    RefusalsRising "refusals_rising" 4 30,
    /// Rows were not what memory had.
    Differences "differences" 0 0,
    /// The audit found rows that do not fit each other. Whoever runs it raises and ends this.
    Audit "audit" 0 0,
    /// Lines of the log were not written.
    LogLost "log_lost" 0 0,
    /// Clients were hung up on because they did not take their answers.
    OutboxDrops "outbox_drops" 0 30,
    /// The disk of the data folder is nearly full.
    DiskLow "disk_low" 0 30,
    /// Orders of a performance that was called off are not given back.
    RefundsStuck "refunds_stuck" 0 0,
    /// The machine's clock was set.
    ClockStepped "clock_stepped" 0 0,
}

impl Kind {
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Sale(ConcertId),
    Schedule(ScheduleId),
    /// This server.
    Server,
    /// A lane of this server.
    Lane(usize),
}

impl Subject {
    /// Its name, where this server has that one.
    pub fn named(self, server: &str) -> String {
        match self {
            Self::Sale(concert) => format!("sale {concert}"),
            Self::Schedule(schedule) => format!("schedule {schedule}"),
            Self::Server => format!("server {server}"),
            Self::Lane(lane) => format!("lane {lane} of {server}"),
        }
    }

    /// The server of which a subject of this name is one, if it is one's.
    pub fn server_of(name: &str) -> Option<&str> {
        let lane = || name.strip_prefix("lane ")?.split_once(" of ").map(|(_, server)| server);
        name.strip_prefix("server ").or_else(lane)
    }

    /// The subject of this name. `None`: it is another server's, or nobody's who judges.
    pub fn read(name: &str, server: &str) -> Option<Self> {
        if let Some(of) = name.strip_prefix("server ") {
            return (of == server).then_some(Self::Server);
        }
        if let Some(lane) = name.strip_prefix("lane ") {
            let (lane, of) = lane.split_once(" of ")?;
            return (of == server).then(|| lane.parse().ok()).flatten().map(Self::Lane);
        }
        if let Some(concert) = name.strip_prefix("sale ") {
            return concert.parse().ok().map(|id| Self::Sale(ConcertId(id)));
        }
        let schedule = name.strip_prefix("schedule ")?;
        schedule.parse().ok().map(|id| Self::Schedule(ScheduleId(id)))
    }
}

/// What became of something that is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: Kind,
    pub subject: Subject,
    /// UTC.
    pub raised_at: Timestamp,
    /// UTC. `None`: it was raised.
    pub ended_at: Option<Timestamp>,
    pub facts: Facts,
}

/// Keeps what is wrong, and since when.
#[derive(Default)]
pub struct Judge {
    watches: BTreeMap<(Kind, Subject), Watch>,
    round: u64,
}

#[derive(Default)]
struct Watch {
    /// UTC: when it was raised; `None`: it is not.
    up: Option<Timestamp>,
    /// Steady: since when it is otherwise.
    since: Option<Timestamp>,
    facts: Facts,
    /// The round in which it was seen last.
    round: u64,
}

impl Judge {
    pub fn begin_round(&mut self) {
        self.round += 1;
    }

    /// What is up and was not seen in this round is not there any more: it is right.
    pub fn end_round(&mut self, now: (Timestamp, Timestamp)) -> Vec<Change> {
        let unseen = self.watches.iter().filter(|(_, watch)| watch.round != self.round);
        let unseen: Vec<_> = unseen.map(|(key, _)| *key).collect();
        unseen.into_iter().filter_map(|(kind, subject)| self.see(now, kind, subject, None)).collect()
    }

    pub fn is_up(&self, kind: Kind, subject: Subject) -> bool {
        self.watches.get(&(kind, subject)).is_some_and(|watch| watch.up.is_some())
    }

    /// What is up.
    pub fn up(&self) -> impl Iterator<Item = (Kind, Subject)> {
        self.watches.iter().filter(|(_, watch)| watch.up.is_some()).map(|(key, _)| *key)
    }

    /// Somebody raised it before: this process in its life before, or the server that ran the sale.
    pub fn adopt(&mut self, kind: Kind, subject: Subject, raised_at: Timestamp, facts: Facts) {
        let watch = self.watches.entry((kind, subject)).or_default();
        if watch.up.is_none() {
            *watch = Watch { up: Some(raised_at), since: None, facts, round: watch.round };
        }
    }

    /// It is somebody else's to judge now.
    pub fn forget(&mut self, kind: Kind, subject: Subject) {
        self.watches.remove(&(kind, subject));
    }

    /// Takes in what was seen: `wrong` with its figures, or right.
    pub fn see(
        &mut self,
        (steady, utc): (Timestamp, Timestamp),
        kind: Kind,
        subject: Subject,
        wrong: Option<Facts>,
    ) -> Option<Change> {
        if wrong.is_none() && !self.watches.contains_key(&(kind, subject)) {
            return None;
        }
        let watch = self.watches.entry((kind, subject)).or_default();
        watch.round = self.round;
        if wrong.is_some() == watch.up.is_some() {
            watch.since = None;
            if watch.up.is_none() {
                self.watches.remove(&(kind, subject));
            }
            return None;
        }
        let since = *watch.since.get_or_insert(steady);
        let after = if wrong.is_some() { kind.raised_after() } else { kind.ended_after() };
        if steady.since(since) < after {
            return None;
        }
        match (wrong, watch.up) {
            (Some(facts), None) => {
                *watch = Watch { up: Some(utc), since: None, facts: facts.clone(), round: watch.round };
                Some(Change { kind, subject, raised_at: utc, ended_at: None, facts })
            }
            (None, Some(raised_at)) => {
                let facts = std::mem::take(&mut watch.facts);
                self.watches.remove(&(kind, subject));
                // A clock that was set back does not end it before it began.
                Some(Change { kind, subject, raised_at, ended_at: Some(utc.max(raised_at)), facts })
            }
            _ => None,
        }
    }
}

/// How a sale was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaleSeen {
    /// Its opening is past, and it is neither paused nor closed.
    pub is_open: bool,
    pub waiting: u64,
    pub progress: u64,
    pub capacity: u64,
    /// Free seats of performances that have not begun.
    pub free: u64,
    /// How many were let in since it is run here.
    pub admitted: u64,
    /// Did its lane answer?
    pub answers: bool,
}

/// Fans wait and seats are free, and nobody was let in since it was seen last, although there is room, or because nothing is
/// decided. More free seats than admitted fans: nobody is let into a full house, and that is no fault.
pub fn no_movement(before: Option<&SaleSeen>, now: &SaleSeen) -> Option<Facts> {
    let could_move = now.is_open && now.waiting > 0 && now.free > 0;
    let has_room = now.progress < now.capacity && now.free > now.progress;
    let stands = before.is_some_and(|before| before.admitted == now.admitted);
    (could_move && stands && (has_room || !now.answers)).then(|| {
        facts([
            ("waiting", json!(now.waiting)),
            ("progress", json!(now.progress)),
            ("capacity", json!(now.capacity)),
            ("available", json!(now.free)),
            ("answers", json!(now.answers)),
        ])
    })
}

/// Fewer of something than this says nothing of how long it takes.
const TIMED_MIN: u64 = 10;
/// One of a hundred answers takes longer: a fan thinks that something is broken.
const ANSWERS_LATE: Duration = Duration::from_secs(1);
/// One of a hundred commits takes longer, where a disk takes some milliseconds.
const COMMITS_SLOW: Duration = Duration::from_millis(500);

pub fn answers_late(is_up: bool, times: &Times) -> Option<Facts> {
    slow(is_up, times, ANSWERS_LATE)
}

pub fn commits_slow(is_up: bool, times: &Times) -> Option<Facts> {
    slow(is_up, times, COMMITS_SLOW)
}

/// What is up ends at half of what raised it.
fn slow(is_up: bool, times: &Times, than: Duration) -> Option<Facts> {
    let than = if is_up { than / 2 } else { than };
    let (p50, p99) = (times.quantile(0.5)?, times.quantile(0.99)?);
    (times.count() >= TIMED_MIN && p99 >= than).then(|| {
        facts([
            ("p50_ms", json!(p50.as_millis() as u64)),
            ("p99_ms", json!(p99.as_millis() as u64)),
            ("count", json!(times.count())),
        ])
    })
}

/// What this server counts from its start on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub differences: u64,
    pub log_lost: u64,
    pub outbox_drops: u64,
    pub clock_steps: u64,
    /// Refusals for reasons of ours, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Counters of the last minutes.
#[derive(Default)]
pub struct Counted {
    /// Oldest first, with the steady time of each.
    copies: VecDeque<(Timestamp, Counters)>,
}

/// For so long something that happened once is told.
const ONCE_TOLD: Duration = Duration::from_secs(10 * 60);
/// What is counted by the minute.
const MINUTE: Duration = Duration::from_secs(60);
/// Copies are so far apart at least, so that there are few of them.
const COPIED_EVERY: Duration = Duration::from_secs(5);

impl Counted {
    pub fn remember(&mut self, now: Timestamp, counters: Counters) {
        if self.copies.back().is_none_or(|(at, _)| now.since(*at) >= COPIED_EVERY) {
            self.copies.push_back((now, counters));
        }
        while self.copies.get(1).is_some_and(|(at, _)| now.since(*at) >= ONCE_TOLD) {
            self.copies.pop_front();
        }
    }

    /// What came to a counter in so long, as far as it is known.
    fn more(&self, now: Timestamp, span: Duration, is: u64, of: impl Fn(&Counters) -> u64) -> u64 {
        let before = self.copies.iter().rev().find(|(at, _)| now.since(*at) >= span);
        let before = before.or(self.copies.front());
        before.map_or(0, |(_, before)| is.saturating_sub(of(before)))
    }

    pub fn differences(&self, now: Timestamp, is: &Counters) -> Option<Facts> {
        self.once(now, is.differences, |of| of.differences)
    }

    pub fn log_lost(&self, now: Timestamp, is: &Counters) -> Option<Facts> {
        self.once(now, is.log_lost, |of| of.log_lost)
    }

    pub fn clock_stepped(&self, now: Timestamp, is: &Counters, step_ms: i64) -> Option<Facts> {
        let mut found = self.once(now, is.clock_steps, |of| of.clock_steps)?;
        found.insert("step_ms".to_owned(), json!(step_ms));
        Some(found)
    }

    fn once(&self, now: Timestamp, is: u64, of: impl Fn(&Counters) -> u64) -> Option<Facts> {
        let count = self.more(now, ONCE_TOLD, is, of);
        (count > 0).then(|| facts([("count", json!(count)), ("minutes", json!(10))]))
    }

    /// More than a few in a minute, and more than one of fifty who are connected: single phones lose their signal.
    pub fn outbox_drops(
        &self,
        now: Timestamp,
        is: &Counters,
        is_up: bool,
        connections: u64,
    ) -> Option<Facts> {
        let count = self.more(now, MINUTE, is.outbox_drops, |of| of.outbox_drops);
        let most = (connections / 50).max(20);
        let most = if is_up { most / 2 } else { most };
        (count > most).then(|| facts([("per_minute", json!(count)), ("connections", json!(connections))]))
    }

    /// Refusals in a minute that are no fan's doing.
    pub fn refusals_rising(&self, now: Timestamp, is: &Counters, is_up: bool) -> Option<Facts> {
        const MOST: u64 = 30;
        let each = is.refused.iter().map(|(reason, count)| {
            let before = |of: &Counters| of.refused.get(reason).copied().unwrap_or(0);
            ((*reason).to_owned(), self.more(now, MINUTE, *count, before))
        });
        let each: BTreeMap<String, u64> = each.filter(|(_, count)| *count > 0).collect();
        let count: u64 = each.values().sum();
        let most = if is_up { MOST / 3 } else { MOST };
        (count >= most).then(|| facts([("per_minute", json!(count)), ("reasons", json!(each))]))
    }
}

/// Less of a disk is nearly nothing: a busy night writes some hundred MiB.
const DISK_FREE_MIN: u64 = 1024 * 1024 * 1024;
/// The part of a small disk.
const DISK_FREE_PART: u64 = 50;

pub fn disk_low(is_up: bool, free: u64, total: u64) -> Option<Facts> {
    let least = DISK_FREE_MIN.min(total / 10).max(total / DISK_FREE_PART);
    let least = if is_up { least + least / 4 } else { least };
    (free < least).then(|| facts([("free_bytes", json!(free)), ("total_bytes", json!(total))]))
}

/// Refunds go on within seconds; what does not fit a wallet is tried again each ten minutes.
const REFUNDS_STAND: Duration = Duration::from_secs(2 * 60);

/// `stands_for`: as long as no seat's money was given back.
pub fn refunds_stuck(seats_left: u64, stuck: u64, stands_for: Duration) -> Option<Facts> {
    (stuck > 0 || seats_left > 0 && stands_for >= REFUNDS_STAND)
        .then(|| facts([("orders_stuck", json!(stuck)), ("seats_left", json!(seats_left))]))
}

pub fn facts<const N: usize>(each: [(&str, Value); N]) -> Facts {
    each.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALE: Subject = Subject::Sale(ConcertId(7));

    fn second(n: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + n * 1_000)
    }

    /// What is said of a kind when it is seen like this, second by second: `!` wrong, `.` right; `R` raised, `E` ended.
    fn judged(kind: Kind, seen: &str) -> String {
        let mut judge = Judge::default();
        let at = |n: usize| (second(n as i64), second(n as i64));
        let say = |change: Option<Change>| match change {
            None => '-',
            Some(Change { ended_at: None, .. }) => 'R',
            Some(_) => 'E',
        };
        let seen = seen.chars().enumerate();
        seen.map(|(n, seen)| say(judge.see(at(n), kind, SALE, (seen == '!').then(Facts::new)))).collect()
    }

    #[test]
    fn an_alarm_does_not_flicker() {
        for (kind, seen, said) in [
            (Kind::NoMovement, "!!!!!!!!!!", "--------R-"),
            // One moment of movement begins it anew.
            (Kind::NoMovement, "!!!!.!!!!!!!!!!", "-------------R-"),
            (Kind::NoMovement, "!!!!!!!!!..!.....", "--------R-------E"),
            (Kind::LaneOut, "!!!!!!....!", "-----R-----"),
            (Kind::LaneOut, "!!!!!!.....", "-----R----E"),
            // What happened once is told at once.
            (Kind::Differences, ".!!.!", "-R-ER"),
            (Kind::Differences, "....", "----"),
        ] {
            assert_eq!(judged(kind, seen), said, "{kind:?} {seen}");
        }
    }

    #[test]
    fn a_subject_says_whose_it_is() {
        for (subject, of) in [
            (Subject::Server, Some("web1:8080")),
            (Subject::Lane(3), Some("web1:8080")),
            (SALE, None),
            (Subject::Schedule(ScheduleId(9)), None),
        ] {
            let name = subject.named("web1:8080");
            assert_eq!(Subject::server_of(&name), of, "{name}");
            assert_eq!(Subject::read(&name, "web1:8080"), Some(subject), "{name}");
        }
        assert_eq!(Subject::server_of("database"), None);
    }

    #[test]
    fn an_adopted_one_ends_as_one_of_ours() {
        let mut judge = Judge::default();
        judge.adopt(Kind::LaneOut, Subject::Lane(0), second(-60), Facts::new());
        let see = |judge: &mut Judge, n, wrong: bool| {
            judge.see((second(n), second(n)), Kind::LaneOut, Subject::Lane(0), wrong.then(Facts::new))
        };
        assert_eq!(see(&mut judge, 0, true), None, "it is raised already");
        assert_eq!(see(&mut judge, 1, false), None);
        let ended = see(&mut judge, 5, false).expect("it was right for long enough");
        assert_eq!((ended.raised_at, ended.ended_at), (second(-60), Some(second(5))));
        assert_eq!(judge.up().count(), 0);
    }

    #[test]
    fn what_is_not_there_any_more_ends() {
        let mut judge = Judge::default();
        judge.adopt(Kind::RefundsStuck, Subject::Schedule(ScheduleId(9)), second(0), Facts::new());
        judge.begin_round();
        let wrong = Some(Facts::new());
        let now = (second(1), second(1));
        assert_eq!(judge.see(now, Kind::RefundsStuck, Subject::Schedule(ScheduleId(9)), wrong), None);
        assert_eq!(judge.end_round(now), []);
        judge.begin_round();
        assert_eq!(judge.end_round(now).len(), 1);
    }

    /// Goal: the alarm comes when nobody moves who could, and not because the house is full, the sale rests or nobody waits.
    #[test]
    fn nothing_moves_only_where_something_could() {
        let could = SaleSeen {
            is_open: true,
            waiting: 9,
            progress: 3,
            capacity: 10,
            free: 50,
            admitted: 20,
            answers: true,
        };
        for (what, before, now, wrong) in [
            ("room, and nobody is let in", could, could, true),
            ("somebody was let in", could, SaleSeen { admitted: 21, ..could }, false),
            ("nobody waits", could, SaleSeen { waiting: 0, ..could }, false),
            ("it is paused, or not open yet", could, SaleSeen { is_open: false, ..could }, false),
            ("as many are in as may be", could, SaleSeen { progress: 10, ..could }, false),
            ("the house is full", could, SaleSeen { free: 0, ..could }, false),
            ("who is in may take what is free", could, SaleSeen { free: 3, ..could }, false),
            ("the lane does not answer", could, SaleSeen { progress: 10, answers: false, ..could }, true),
            (
                "nobody could move anyway",
                could,
                SaleSeen { progress: 10, free: 0, answers: false, ..could },
                false,
            ),
        ] {
            assert_eq!(no_movement(Some(&before), &now).is_some(), wrong, "{what}");
            assert_eq!(no_movement(None, &now), None, "{what}, seen once");
        }
    }

    #[test]
    fn what_is_counted_is_told_for_a_while() {
        let mut counted = Counted::default();
        let counters = |differences, drops| Counters {
            differences,
            outbox_drops: drops,
            refused: [("UNAVAILABLE", drops)].into(),
            ..Counters::default()
        };
        counted.remember(second(0), counters(5, 0));
        assert_eq!(counted.differences(second(1), &counters(5, 0)), None, "what was there at the start");
        let more = counted.differences(second(3), &counters(7, 0)).expect("two more");
        assert_eq!(more["count"], 2);
        for n in (5..=700).step_by(5) {
            counted.remember(second(n), counters(7, 40));
            if n == 500 {
                assert!(counted.differences(second(n), &counters(7, 40)).is_some());
            }
        }
        assert_eq!(counted.differences(second(700), &counters(7, 40)), None, "ten minutes later");
        assert!(counted.copies.len() <= 122);

        for (drops, is_up, connections, wrong) in
            [(20, false, 0, false), (21, false, 0, true), (21, false, 5_000, false), (11, true, 0, true)]
        {
            let found = counted.outbox_drops(second(705), &counters(7, 40 + drops), is_up, connections);
            assert_eq!(found.is_some(), wrong, "{drops} drops, {is_up}, {connections}");
        }
        for (refused, is_up, wrong) in
            [(29, false, false), (30, false, true), (10, true, true), (9, true, false)]
        {
            let found = counted.refusals_rising(second(705), &counters(7, 40 + refused), is_up);
            assert_eq!(found.is_some(), wrong, "{refused} refusals, {is_up}");
        }
    }

    #[test]
    fn bounds_of_disks_and_refunds() {
        const GIB: u64 = 1024 * 1024 * 1024;
        for (free, total, is_up, wrong) in [
            (2 * GIB, 100 * GIB, false, false),
            (2 * GIB - 1, 100 * GIB, false, true),
            (2 * GIB + 1, 100 * GIB, true, true),
            (GIB - 1, 20 * GIB, false, true),
            (GIB, 20 * GIB, false, false),
            // A small disk is not always low.
            (GIB, 2 * GIB, false, false),
            (GIB / 10, 2 * GIB, false, true),
        ] {
            assert_eq!(disk_low(is_up, free, total).is_some(), wrong, "{free} of {total}, {is_up}");
        }
        assert_eq!(refunds_stuck(10, 0, Duration::from_secs(119)), None);
        assert!(refunds_stuck(10, 0, Duration::from_secs(120)).is_some());
        assert!(refunds_stuck(10, 1, Duration::ZERO).is_some());
        assert_eq!(refunds_stuck(0, 0, Duration::from_secs(3_600)), None);
    }

    #[test]
    fn a_subject_is_read_as_it_was_named() {
        for subject in [SALE, Subject::Schedule(ScheduleId(9)), Subject::Server, Subject::Lane(3)] {
            assert_eq!(Subject::read(&subject.named("web1:8080"), "web1:8080"), Some(subject));
        }
        for other in ["server web2:8080", "lane 3 of web2:8080", "database", "sale x", "sale", ""] {
            assert_eq!(Subject::read(other, "web1:8080"), None, "{other}");
        }
        assert!(Kind::ALL.iter().all(|kind| Kind::from_name(kind.as_str()) == Some(*kind)));
    }
}
