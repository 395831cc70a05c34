//! The live tokens of a sale: who waits, in which order, who is admitted, and since when each was seen.
//! Always: a user has at most one live token; the line holds exactly the waiting ones; entry numbers ascend in
//! the order of joining. Presence and activity are not facts: they are neither stored nor taken back.
//! Not here: seats, money, who may be admitted.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::entries::Entries;
use super::ids::{ConcertId, ConnectionId, EntryNo, QueueToken, UserId};
use super::line::{Line, Order};
use super::recent::Recent;
use super::record::{TokenRecord, TokenStatus};
use super::rules::SaleRules;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WaitingRoom {
    concert: ConcertId,
    next: EntryNo,
    live: Entries<LiveToken>,
    by_token: HashMap<QueueToken, EntryNo>,
    by_user: HashMap<UserId, EntryNo>,
    line: Line,
    progress: u64,
    /// Admitted tokens for which a free seat is kept.
    unserved: u64,
    /// The time at which each admitted token may have to end: never later than it does, because activity only moves it
    /// on.
    visits: BTreeSet<(Timestamp, EntryNo)>,
    /// The time since which each waiting token is without presence.
    absences: BTreeSet<(Timestamp, EntryNo)>,
    /// The connections of users who have no live token; they are present as soon as they have one.
    bystanders: HashMap<UserId, Connections>,
    ended: Recent<QueueToken, TokenRecord>,
    ended_of: Recent<UserId, QueueToken>,
}

/// Kept small: a line may hold a million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveToken {
    pub token: QueueToken,
    pub user: UserId,
    pub entered_at: Timestamp,
    /// `None`: waiting.
    pub admission: Option<Admission>,
    /// Sale time. Waiting: since when without presence; admitted: the last activity.
    seen_at: Timestamp,
    holds: Holds,
    connections: Connections,
}

/// The seats that the user of a token has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// The reservations that the user holds.
    pub open: u32,
    /// One was not paid in its time. It is not stored: after a restart its user counts as one who comes anew.
    pub ran_out: bool,
}

impl Holds {
    /// Is a free seat kept for an admitted fan with these? It is kept neither for one who has a seat nor for one who
    /// had their turn: the seat that was freed by it is for the next in line.
    fn keep_a_seat(self) -> bool {
        self.open == 0 && !self.ran_out
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    /// UTC.
    pub admitted_at: Timestamp,
    /// Sale time.
    pub expires_at: Timestamp,
    /// The key in `visits`.
    visit: Timestamp,
}

/// The connections of one user in this sale: nearly always none or one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Connections {
    #[default]
    None,
    One(ConnectionId),
    #[allow(clippy::box_collection, reason = "rare, and a Vec would widen every waiting token")]
    Many(Box<Vec<ConnectionId>>),
}

impl WaitingRoom {
    /// Builds the room from stored tokens, in ascending order of entries. Presence and idle clocks start anew, each a
    /// little later than the one before, so that a restart is not followed by a wave of expiries.
    pub fn restored(
        concert: ConcertId,
        order: Order,
        next: EntryNo,
        records: &[TokenRecord],
        now: Timestamp,
        rules: &SaleRules,
    ) -> Self {
        let mut room = Self {
            concert,
            next,
            live: Entries::default(),
            by_token: HashMap::with_capacity(records.len()),
            by_user: HashMap::with_capacity(records.len()),
            line: Line::restored(order, next, records),
            progress: 0,
            unserved: 0,
            visits: BTreeSet::new(),
            absences: BTreeSet::new(),
            bystanders: HashMap::new(),
            ended: Recent::default(),
            ended_of: Recent::default(),
        };
        for record in records {
            let jitter = |ttl: Duration| ttl / 10 * (record.entry.0 % 64) as u32 / 64;
            let waiting = record.status == TokenStatus::Waiting;
            let seen_at = now + jitter(if waiting { rules.away_ttl } else { rules.idle_ttl });
            room.put(record, seen_at, Holds::default(), Connections::None, rules);
        }
        room
    }

    pub fn waiting(&self) -> u64 {
        self.line.len()
    }

    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// The number of admitted fans for whom a free seat is kept.
    pub fn unserved(&self) -> u64 {
        self.unserved
    }

    pub fn next_entry(&self) -> EntryNo {
        self.next
    }

    /// The line: those who wait, in their order, and how fast it moves.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// An admission is durable.
    pub fn note_admission(&mut self, at: Timestamp) {
        self.line.note_admission(at);
    }

    pub fn entry_of_user(&self, user: UserId) -> Option<EntryNo> {
        self.by_user.get(&user).copied()
    }

    pub fn entry_of_token(&self, token: QueueToken) -> Option<EntryNo> {
        self.by_token.get(&token).copied()
    }

    pub fn get(&self, entry: EntryNo) -> Option<&LiveToken> {
        self.live.get(entry)
    }

    pub fn ended(&self, token: QueueToken) -> Option<&TokenRecord> {
        self.ended.get(&token)
    }

    /// The token that ended last of those this user had, if that was lately.
    pub fn last_ended_of(&self, user: UserId) -> Option<&TokenRecord> {
        self.ended.get(self.ended_of.get(&user)?)
    }

    /// Every live token, in the order of joining.
    pub fn iter(&self) -> impl Iterator<Item = (EntryNo, &LiveToken)> {
        self.live.iter()
    }

    /// The same, from an entry on.
    pub fn iter_from(&self, from: EntryNo) -> impl Iterator<Item = (EntryNo, &LiveToken)> {
        self.live.iter_from(from)
    }

    pub fn record(&self, entry: EntryNo) -> Option<TokenRecord> {
        self.live.get(entry).map(|live| live.record(self.concert, entry))
    }

    // Facts. Each gives back what undoes it.

    pub fn join(&mut self, record: &TokenRecord, now: Timestamp, rules: &SaleRules) {
        self.next = EntryNo(record.entry.0 + 1);
        let connections = self.bystanders.remove(&record.user).unwrap_or_default();
        self.put(record, now, Holds::default(), connections, rules);
    }

    pub fn undo_join(&mut self, entry: EntryNo) {
        if let Some(taken) = self.take(entry) {
            self.stand_by(taken.user, taken.connections);
        }
        self.next = entry;
    }

    pub fn admit(&mut self, record: &TokenRecord, now: Timestamp, rules: &SaleRules) -> LiveToken {
        let before = self.take(record.entry).expect("only a live token is admitted");
        self.put(record, now, before.holds, before.connections.clone(), rules);
        before
    }

    pub fn end(&mut self, record: &TokenRecord) -> LiveToken {
        let before = self.take(record.entry).expect("only a live token ends");
        self.ended.push(record.token, record.clone());
        self.ended_of.push(record.user, record.token);
        self.stand_by(record.user, before.connections.clone());
        before
    }

    pub fn undo_end(&mut self, entry: EntryNo, before: LiveToken, rules: &SaleRules) {
        self.ended.pop();
        self.ended_of.pop();
        self.put_back(entry, before, rules);
    }

    /// Puts a token back as it was before it was admitted, or before it ended, but for who is connected by now.
    pub fn put_back(&mut self, entry: EntryNo, before: LiveToken, rules: &SaleRules) {
        let connections = match self.take(entry) {
            Some(now) => now.connections,
            None => self.bystanders.remove(&before.user).unwrap_or_default(),
        };
        let record = before.record(self.concert, entry);
        self.put(&record, before.seen_at, before.holds, connections, rules);
    }

    /// Changes what the owner of a live token holds. Gives back what it was.
    pub fn change_holds(
        &mut self,
        user: UserId,
        rules: &SaleRules,
        change: impl FnOnce(Holds) -> Holds,
    ) -> Option<Holds> {
        let entry = self.entry_of_user(user)?;
        let live = self.live.get_mut(entry)?;
        let before = live.holds;
        live.holds = change(before);
        if live.admission.is_some() {
            self.unserved -= u64::from(before.keep_a_seat());
            self.unserved += u64::from(live.holds.keep_a_seat());
            self.rekey_visit(entry, rules);
        }
        Some(before)
    }

    /// Forgets facts that ended long ago.
    pub fn trim_ended(&mut self, max: usize) {
        self.ended.trim(max);
        self.ended_of.trim(max);
    }

    // Presence and activity.

    pub fn connect(&mut self, user: UserId, connection: ConnectionId) {
        let entry = self.entry_of_user(user);
        let Some((entry, live)) = entry.and_then(|entry| Some((entry, self.live.get_mut(entry)?))) else {
            return self.bystanders.entry(user).or_default().add(connection);
        };
        live.connections.add(connection);
        if live.admission.is_none() {
            self.absences.remove(&(live.seen_at, entry));
        }
    }

    /// The users who are connected, and by what.
    pub fn connections(&self) -> impl Iterator<Item = (UserId, ConnectionId)> {
        let live = self.live.iter().map(|(_, live)| (live.user, &live.connections));
        let all = live.chain(self.bystanders.iter().map(|(user, connections)| (*user, connections)));
        all.flat_map(|(user, connections)| connections.iter().map(move |connection| (user, connection)))
    }

    pub fn disconnect(&mut self, user: UserId, connection: ConnectionId, now: Timestamp) {
        let Some(entry) = self.entry_of_user(user) else {
            if let Some(connections) = self.bystanders.get_mut(&user)
                && connections.remove(connection)
                && *connections == Connections::None
            {
                self.bystanders.remove(&user);
            }
            return;
        };
        let Some(live) = self.live.get_mut(entry) else { return };
        if live.connections.remove(connection)
            && live.connections == Connections::None
            && live.admission.is_none()
        {
            live.seen_at = now;
            self.absences.insert((now, entry));
        }
    }

    /// A fan without a connection sent a request: they count as present for another `away_ttl`.
    pub fn poll(&mut self, entry: EntryNo, now: Timestamp) {
        let Some(live) = self.live.get_mut(entry) else { return };
        if live.admission.is_none() && live.connections == Connections::None && live.seen_at < now {
            self.absences.remove(&(live.seen_at, entry));
            live.seen_at = now;
            self.absences.insert((now, entry));
        }
    }

    /// The user did something. Nothing for a waiting token, whose clock is presence.
    pub fn touch(&mut self, entry: EntryNo, now: Timestamp) {
        if let Some(live) = self.live.get_mut(entry)
            && live.admission.is_some()
        {
            // `visits` is left behind: it is looked at again when it comes due.
            live.seen_at = live.seen_at.max(now);
        }
    }

    /// Sale time: the last activity of an admitted token.
    pub fn active_at(&self, entry: EntryNo) -> Option<Timestamp> {
        let live = self.live.get(entry)?;
        live.admission.map(|_| live.seen_at)
    }

    /// `idle_ttl` changed.
    pub fn rekey_visits(&mut self, rules: &SaleRules) {
        let entries: Vec<_> = self.visits.iter().map(|(_, entry)| *entry).collect();
        entries.into_iter().for_each(|entry| self.rekey_visit(entry, rules));
    }

    /// The earliest time at which an admitted token may be due.
    pub fn next_visit(&self) -> Option<Timestamp> {
        self.visits.first().map(|(due, _)| *due)
    }

    /// The earliest time at which a waiting token is away for too long.
    pub fn next_absence(&self, rules: &SaleRules) -> Option<Timestamp> {
        self.absences.first().map(|(since, _)| *since + rules.away_ttl)
    }

    /// An admitted token that is due at `now`, and whether it is for being idle.
    pub fn due_visit(&mut self, now: Timestamp, rules: &SaleRules) -> Option<(EntryNo, bool)> {
        loop {
            let &(due, entry) = self.visits.first()?;
            if due > now {
                return None;
            }
            let live = self.live.get(entry).expect("only live tokens are in visits");
            let due = live.visit_due(rules).expect("only admitted tokens are in visits");
            if due <= now {
                // The clock that rang first says why, however late it is noticed.
                let idle = live.seen_at + rules.idle_ttl;
                let ends = live.admission.map(|admission| admission.expires_at);
                return Some((entry, live.holds.open > 0 || ends.is_some_and(|ends| idle <= ends)));
            }
            self.rekey_visit(entry, rules);
        }
    }

    /// A waiting token that is away for too long at `now`.
    pub fn due_absence(&self, now: Timestamp, rules: &SaleRules) -> Option<EntryNo> {
        let &(since, entry) = self.absences.first()?;
        (since + rules.away_ttl <= now).then_some(entry)
    }

    /// Is this token, waiting, away for too long at `now`?
    pub fn is_absent(&self, entry: EntryNo, now: Timestamp, rules: &SaleRules) -> bool {
        self.live.get(entry).is_some_and(|live| {
            live.admission.is_none()
                && live.connections == Connections::None
                && live.seen_at + rules.away_ttl <= now
        })
    }

    /// Forgets who was seen connected or active before `now`.
    pub fn forget_presence(&mut self, now: Timestamp, rules: &SaleRules) {
        self.bystanders.clear();
        let entries: Vec<_> = self.live.iter().map(|(entry, _)| entry).collect();
        for entry in entries {
            let Some(record) = self.record(entry) else { continue };
            let holds = self.take(entry).map(|live| live.holds).unwrap_or_default();
            self.put(&record, now, holds, Connections::None, rules);
        }
    }

    /// Proves what the head of this file says.
    pub fn check(&self) {
        let waiting = self.live.iter().filter(|(_, t)| t.admission.is_none()).count() as u64;
        let unserved = |token: &LiveToken| token.admission.is_some() && token.holds.keep_a_seat();
        let unserved = self.live.iter().filter(|(_, token)| unserved(token)).count() as u64;
        assert_eq!(self.line.len(), waiting, "the line holds exactly the waiting tokens");
        assert_eq!(self.live.len() as u64, waiting + self.progress, "a live token waits or is admitted");
        assert_eq!(self.unserved, unserved, "admitted tokens for which a seat is kept");
        assert_eq!(self.by_token.len(), self.live.len(), "every live token is found by its name");
        assert_eq!(self.by_user.len(), self.live.len(), "a user has one live token");
        assert_eq!(self.visits.len() as u64, self.progress, "every visit has its deadline");
        for (user, connections) in &self.bystanders {
            assert!(!self.by_user.contains_key(user), "{user} is present by a live token");
            assert_ne!(*connections, Connections::None, "{user} stands by");
        }
        for (entry, live) in self.live.iter() {
            assert_eq!(self.line.contains(entry), live.admission.is_none(), "{entry} in line");
            let absent = live.admission.is_none() && live.connections == Connections::None;
            assert_eq!(self.absences.contains(&(live.seen_at, entry)), absent, "{entry} absent");
            assert!(entry < self.next, "{entry} was given");
        }
    }

    fn put(
        &mut self,
        record: &TokenRecord,
        seen_at: Timestamp,
        holds: Holds,
        connections: Connections,
        rules: &SaleRules,
    ) {
        let entry = record.entry;
        let admission = record
            .admitted_at
            .zip(record.expires_at)
            .map(|(admitted_at, expires_at)| Admission { admitted_at, expires_at, visit: expires_at });
        let mut live = LiveToken {
            token: record.token,
            user: record.user,
            entered_at: record.entered_at,
            admission,
            seen_at,
            holds,
            connections,
        };
        match live.visit_due(rules) {
            Some(due) => {
                if let Some(admission) = &mut live.admission {
                    admission.visit = due;
                }
                self.visits.insert((due, entry));
                self.progress += 1;
                self.unserved += u64::from(holds.keep_a_seat());
            }
            None => {
                self.line.join(record);
                if live.connections == Connections::None {
                    self.absences.insert((seen_at, entry));
                }
            }
        }
        self.by_token.insert(record.token, entry);
        self.by_user.insert(record.user, entry);
        self.live.insert(entry, live);
    }

    fn take(&mut self, entry: EntryNo) -> Option<LiveToken> {
        let live = self.live.remove(entry)?;
        self.by_token.remove(&live.token);
        self.by_user.remove(&live.user);
        match live.admission {
            Some(admission) => {
                self.visits.remove(&(admission.visit, entry));
                self.progress -= 1;
                self.unserved -= u64::from(live.holds.keep_a_seat());
            }
            None => {
                self.line.leave(entry);
                self.absences.remove(&(live.seen_at, entry));
            }
        }
        Some(live)
    }

    fn stand_by(&mut self, user: UserId, connections: Connections) {
        if connections != Connections::None {
            self.bystanders.insert(user, connections);
        }
    }

    fn rekey_visit(&mut self, entry: EntryNo, rules: &SaleRules) {
        let Some(live) = self.live.get_mut(entry) else { return };
        let Some(due) = live.visit_due(rules) else { return };
        if let Some(admission) = &mut live.admission {
            self.visits.remove(&(admission.visit, entry));
            admission.visit = due;
            self.visits.insert((due, entry));
        }
    }
}

impl LiveToken {
    fn record(&self, concert: ConcertId, entry: EntryNo) -> TokenRecord {
        TokenRecord {
            concert,
            entry,
            token: self.token,
            user: self.user,
            status: self.status(),
            entered_at: self.entered_at,
            admitted_at: self.admission.map(|a| a.admitted_at),
            expires_at: self.admission.map(|a| a.expires_at),
            ended_at: None,
        }
    }

    pub fn status(&self) -> TokenStatus {
        match self.admission {
            None => TokenStatus::Waiting,
            Some(_) => TokenStatus::Progress,
        }
    }

    /// The time at which an admitted token ends. While it holds seats, the end of its admission does not end it: what
    /// is held may be paid until its own time is over.
    fn visit_due(&self, rules: &SaleRules) -> Option<Timestamp> {
        let idle = self.seen_at + rules.idle_ttl;
        self.admission.map(|a| if self.holds.open > 0 { idle } else { idle.min(a.expires_at) })
    }
}

impl Connections {
    fn add(&mut self, connection: ConnectionId) {
        match self {
            Self::None => *self = Self::One(connection),
            Self::One(known) if *known == connection => {}
            Self::One(known) => *self = Self::Many(Box::new(vec![*known, connection])),
            Self::Many(known) if known.contains(&connection) => {}
            Self::Many(known) => known.push(connection),
        }
    }

    fn iter(&self) -> impl Iterator<Item = ConnectionId> {
        let known = match self {
            Self::None => &[],
            Self::One(known) => std::slice::from_ref(known),
            Self::Many(known) => known.as_slice(),
        };
        known.iter().copied()
    }

    /// Was it there?
    fn remove(&mut self, connection: ConnectionId) -> bool {
        match self {
            Self::One(known) if *known == connection => {
                *self = Self::None;
                true
            }
            Self::Many(known) => {
                let before = known.len();
                known.retain(|c| *c != connection);
                let removed = known.len() < before;
                if let [last] = known[..] {
                    *self = Self::One(last);
                }
                removed
            }
            Self::None | Self::One(_) => false,
        }
    }
}
