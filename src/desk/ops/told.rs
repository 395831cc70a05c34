//! What operators watch, as the wire tells it: every sale in a line, and one sale with its details.
//!
//! Always: each text is made once for all who watch the same, and leads on from the one before it. Who watches a sale that
//! nobody watched before begins with what was gathered last.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use frontrow_protocol::ops::alarms::Alarm;
use frontrow_protocol::ops::watch::{OpsState, OpsUpdate, SaleDetail, SaleLine};
use frontrow_protocol::{Push, encode_push};
use parking_lot::Mutex;

use super::lines;
use crate::desk::translate;
use crate::domain::time::Timestamp;
use crate::fanout::{Consoles, Scope, Subscriber};
use crate::limits::CONSOLE_QUIET_MAX;
use crate::ops::gather::Snapshot;

#[derive(Default)]
pub struct Live {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Given to each text, so that no scope ever sees one twice.
    seq: u64,
    told: BTreeMap<Scope, Told>,
}

/// What those who watch this have, or will get.
#[derive(Default)]
struct Told {
    seq: u64,
    /// UTC: when that was gathered.
    at: Option<Timestamp>,
    lines: BTreeMap<u32, SaleLine>,
    detail: Option<SaleDetail>,
    alarms: Vec<Alarm>,
}

/// What a snapshot says of one scope.
struct Found {
    lines: BTreeMap<u32, SaleLine>,
    detail: Option<SaleDetail>,
    alarms: Vec<Alarm>,
}

/// What is told of the whole server.
pub(super) struct Whole {
    pub connections: u32,
    /// Those that go on.
    pub alarms: Vec<Alarm>,
}

impl Found {
    fn of(snapshot: &Snapshot, scope: Scope, whole: &Whole) -> Self {
        let lines = snapshot.sales.iter().filter(|line| scope.is_none_or(|concert| concert == line.concert));
        let detail = scope.and_then(|concert| {
            let line = snapshot.sales.iter().find(|line| line.concert == concert)?;
            Some(lines::detail(line.live.as_deref()?, whole.connections))
        });
        let is_of_scope = |alarm: &&Alarm| scope.is_none_or(|concert| alarm.concert_id == Some(concert.0));
        let alarms = whole.alarms.iter().filter(is_of_scope).cloned().collect();
        Self { lines: lines.map(|line| (line.concert.0, lines::line(line))).collect(), detail, alarms }
    }
}

impl Told {
    /// The text that leads on to what was found. `None`: nothing changed, and nobody has to hear that yet.
    fn lead_on(&mut self, scope: Scope, found: Found, at: Timestamp, seq: u64) -> Option<Bytes> {
        let is_new = |(concert, line): &(&u32, &SaleLine)| self.lines.get(concert) != Some(line);
        let sales: Vec<_> = found.lines.iter().filter(is_new).map(|(_, line)| line.clone()).collect();
        let gone: Vec<_> =
            self.lines.keys().filter(|known| !found.lines.contains_key(known)).copied().collect();
        let detail = found.detail.filter(|detail| self.detail.as_ref() != Some(detail));
        let alarms = (found.alarms != self.alarms).then_some(found.alarms);
        let is_quiet = self.at.is_some_and(|told| at.since(told) < CONSOLE_QUIET_MAX && told <= at);
        if sales.is_empty() && gone.is_empty() && detail.is_none() && alarms.is_none() && is_quiet {
            return None;
        }
        self.lines = found.lines;
        if let Some(detail) = &detail {
            self.detail = Some(detail.clone());
        }
        if let Some(alarms) = &alarms {
            self.alarms.clone_from(alarms);
        }
        let from = std::mem::replace(&mut self.seq, seq);
        self.at = Some(at);
        let concert_id = scope.map(|concert| concert.0);
        let update =
            OpsUpdate { concert_id, from, seq, at: translate::time(at), sales, gone, detail, alarms };
        Some(encode_push(&Push::OpsUpdate(Box::new(update))).into())
    }
}

impl Live {
    /// What is new of everything that is watched, for those who watch it.
    pub(super) fn publish(&self, consoles: &Consoles, snapshot: &Snapshot, whole: &Whole) {
        let Some(at) = snapshot.at else { return };
        let mut state = self.state.lock();
        let State { seq, told } = &mut *state;
        let watched = consoles.watched();
        told.retain(|scope, _| watched.contains(scope));
        for scope in watched {
            let found = Found::of(snapshot, scope, whole);
            let told = told.entry(scope).or_default();
            if let Some(text) = told.lead_on(scope, found, at, *seq + 1) {
                *seq += 1;
                consoles.publish(scope, &text);
            }
        }
    }

    /// What is watched, as it was told last; `ops.update` leads on from it.
    pub(super) fn watch(
        &self,
        consoles: &Consoles,
        scope: Scope,
        subscriber: &Arc<Subscriber>,
        latest: &Snapshot,
        whole: &Whole,
        now: Timestamp,
    ) -> OpsState {
        let mut state = self.state.lock();
        let State { seq, told } = &mut *state;
        let told = told.entry(scope).or_insert_with(|| {
            let Found { lines, detail, alarms } = Found::of(latest, scope, whole);
            *seq += 1;
            Told { seq: *seq, at: latest.at, lines, detail, alarms }
        });
        consoles.watch(scope, subscriber);
        OpsState {
            concert_id: scope.map(|concert| concert.0),
            seq: told.seq,
            server_time: translate::time(now),
            at: told.at.map(translate::time),
            sales: told.lines.values().cloned().collect(),
            detail: told.detail.clone(),
            alarms: told.alarms.clone(),
        }
    }
}
