//! This server among those of its database: what it says of itself every second, and what it sees of the others.
//!
//! Always: who is dead follows from marks that stood still by our own steady time (`domain::mark`), and only from looks that
//! came with a beat of our own: where we could not write, others could not either. Nothing here moves a sale; what a verdict is
//! about is named in the claim that follows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::links::Links;
use crate::clock::Clock;
use crate::domain::ids::{ConcertId, NodeNo};
use crate::domain::mark::{Mark, Reading};
use crate::domain::membership::{About, CLOCK_OFF_MAX, Member, MemberState, Members};
use crate::domain::placement;
use crate::domain::time::Timestamp;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{Holder, Store, StoreError, WriterId};

/// How a server joins the others.
#[derive(Clone, Debug)]
pub struct Joining {
    pub about: About,
    /// Writers that sales are spread over.
    pub lanes: usize,
    /// Writers of a process that is known to be dead: their sales need not wait for a lease.
    pub former: Vec<WriterId>,
    /// Time goes by the clock of the database's machine, as several servers need a common one.
    pub by_database_clock: bool,
}

impl Joining {
    /// A server that goes by its own clock.
    pub fn new(name: &str) -> Self {
        let about = About {
            name: name.to_owned(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            wire: (0, 0),
            key_print: String::new(),
            rules_print: String::new(),
        };
        Self { about, lanes: 1, former: Vec::new(), by_database_clock: false }
    }
}

/// Why a server did not join the others.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database takes too long to say what time it is")]
    NoTime,
}

/// Whether a sale may be taken from who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// By one of these writers themselves.
    Here,
    /// By nobody who lives.
    Free,
    /// By somebody who is not known to be dead.
    Elsewhere,
}

pub struct Cluster {
    store: Arc<dyn Store>,
    clock: Clock,
    node: NodeNo,
    about: About,
    writers: Vec<WriterId>,
    former: Vec<WriterId>,
    by_database_clock: bool,
    /// The number of sales that run here.
    sales: AtomicU32,
    /// A bus leads to the others.
    has_bus: AtomicBool,
    state: RwLock<State>,
    /// Somebody who was heard over the bus is late.
    late: Notify,
    /// Sales were found that may be taken, as it seems.
    found: Notify,
    /// It was looked once more, or something is to be given away.
    looked: Notify,
    said: Mutex<SaidOnce>,
}

/// What was logged last, so that it is said once.
#[derive(Default)]
struct SaidOnce {
    /// Why nothing is owned here.
    why: Option<String>,
    /// Were others seen?
    met: bool,
    /// Who lives and is not heard over the bus.
    missed: Vec<String>,
    note: Option<String>,
}

struct State {
    members: Members,
    links: Links,
    sales: BTreeMap<ConcertId, Mark<Holder>>,
    /// Those of them that nobody ran who lives, when it was looked last.
    free: BTreeSet<ConcertId>,
    /// Somebody wishes that our sales are run elsewhere, for as long as others can run them.
    is_to_drain: bool,
    /// We stop, and give our sales away before.
    leaves: bool,
    /// The milliseconds by which the machine's clock is ahead of the database's, and how wrong that may be.
    clock_off: Option<(i64, i64)>,
}

/// Why all sales are given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivesAll {
    Leaves,
    Drained,
    /// Most of the others cannot hear us.
    Unheard,
}

/// Joins the others, as somebody new, and looks who is there.
pub async fn join(store: Arc<dyn Store>, clock: Clock, joining: Joining) -> Result<Arc<Cluster>, JoinError> {
    let Joining { about, lanes, former, by_database_clock } = joining;
    // A process that had our folder before is dead, whatever its row says.
    for node in former.iter().filter_map(|former| former.node()) {
        store.beat_member(node, MemberState::Stopped, 0, 0).await?;
    }
    let clock_off = match by_database_clock && !store.is_embedded() {
        true => Some(begin_by_database(&*store, &clock).await?),
        false => None,
    };
    let node = store.join_members(&about).await?;
    let writers = (0..lanes.max(1)).map(|_| WriterId::of(node)).collect();
    let state = State {
        members: Members::default(),
        links: Links::new(node),
        sales: BTreeMap::new(),
        free: BTreeSet::new(),
        is_to_drain: false,
        leaves: false,
        clock_off,
    };
    let cluster = Cluster {
        store,
        clock,
        node,
        about,
        writers,
        former,
        by_database_clock,
        sales: AtomicU32::new(0),
        has_bus: AtomicBool::new(false),
        state: RwLock::new(state),
        late: Notify::new(),
        found: Notify::new(),
        looked: Notify::new(),
        said: Mutex::default(),
    };
    if cluster.is_watched() {
        cluster.look().await?;
    } else {
        cluster.forget_before().await?;
    }
    Ok(Arc::new(cluster))
}

/// Has time begin by the database's clock. Gives how far ours is ahead, and how wrong that may be.
async fn begin_by_database(store: &dyn Store, clock: &Clock) -> Result<(i64, i64), JoinError> {
    for _ in 0..limits::CLOCK_READ_ATTEMPTS {
        let (now, error) = database_time(store, clock).await?;
        if error <= limits::CLOCK_READ_MAX.as_millis() as i64 {
            clock.begin_at(now);
            return Ok((clock.machine().as_millis() - now.as_millis(), error));
        }
    }
    Err(JoinError::NoTime)
}

/// What time it is at the database now, and by how many milliseconds that may be wrong.
async fn database_time(store: &dyn Store, clock: &Clock) -> Result<(Timestamp, i64), StoreError> {
    let asked = clock.steady();
    let told = store.database_time().await?;
    let took = clock.steady().since(asked);
    // It was so at some moment between.
    Ok((told + took / 2, took.as_millis() as i64 / 2))
}

impl Cluster {
    pub fn node(&self) -> NodeNo {
        self.node
    }

    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// This server's identities in the store, one a lane.
    pub fn writers(&self) -> &[WriterId] {
        &self.writers
    }

    pub(super) fn former(&self) -> &[WriterId] {
        &self.former
    }

    /// Are there others to be seen? The embedded database has one process, as the lock on its folder proves.
    pub(super) fn is_watched(&self) -> bool {
        !self.store.is_embedded()
    }

    /// Says and looks, for as long as the server lives.
    pub(super) async fn run(self: Arc<Self>, metrics: Arc<Metrics>) {
        loop {
            let began = self.clock.steady();
            tokio::select! {
                biased;
                looked = self.look() => if let Err(error) = looked {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "could not look after the other servers");
                },
                () = self.clock.run_out(limits::MEMBER_LOOK_PATIENCE) => {
                    tracing::warn!("looking after the other servers takes too long");
                }
            }
            self.tell(&metrics);
            self.looked.notify_one();
            let is_late = || self.misses_somebody(self.clock.steady());
            if !is_late() {
                tokio::select! {
                    biased;
                    () = self.clock.sleep_until(began + limits::MEMBER_BEAT_INTERVAL) => continue,
                    () = self.late.notified() => {}
                }
            }
            // Whether sales stand still of who is late is looked at more often.
            self.clock.sleep_until(began + limits::MISSED_LOOK_INTERVAL).await;
        }
    }

    /// Says that we live, and looks who else does.
    async fn look(&self) -> Result<(), StoreError> {
        let own = self.own_state();
        // Without it nothing that is seen counts: whoever could not write for a while may be well.
        self.say(own).await?;
        let began = self.clock.steady();
        let (members, holders) = (self.store.members().await?, self.store.holders().await?);
        self.see(members, holders, Reading { began, ended: self.clock.steady() });
        self.read_clock().await?;
        let mut outlived = self.state.read().members.outlived(self.node, limits::DEAD_MEMBERS_KEPT);
        outlived.retain(|(node, _)| self.is_dead(*node));
        for (node, beat) in outlived.into_iter().take(limits::DEAD_MEMBERS_FORGOTTEN_AT_ONCE) {
            self.store.forget_member(node, beat).await?;
        }
        Ok(())
    }

    async fn say(&self, state: MemberState) -> Result<(), StoreError> {
        let (sales, hears) = (self.sales.load(Ordering::Relaxed), self.heard().len() as u32);
        if self.store.beat_member(self.node, state, sales, hears).await? || state == MemberState::Stopped {
            return Ok(());
        }
        // Who stood still for long was taken for dead, and its row taken away.
        let (node, about) = (self.node, self.about.clone());
        let member = Member { node, about, beat: 0, state, sales, hears, is_to_drain: false };
        if !self.store.enter_member(&member).await? {
            tracing::error!(node = self.node.0, "somebody else said that this server stopped");
        }
        Ok(())
    }

    fn see(&self, members: Vec<Member>, holders: Vec<(ConcertId, Holder)>, reading: Reading) {
        let state = &mut *self.state.write();
        state.members.see(members, reading);
        let mut before = std::mem::take(&mut state.sales);
        for (concert, holder) in holders {
            let mark = match before.remove(&concert) {
                Some(mut mark) => {
                    mark.read(holder, reading);
                    mark
                }
                None => Mark::new(holder, reading),
            };
            state.sales.insert(concert, mark);
        }
        state.is_to_drain = state.members.get(self.node).is_some_and(|own| own.is_to_drain);
        let now = self.clock.steady();
        let is_free = |(concert, mark): (&ConcertId, &Mark<Holder>)| {
            (self.held_in(state, *concert, mark.value(), now) == Held::Free).then_some(*concert)
        };
        let free: BTreeSet<ConcertId> = state.sales.iter().filter_map(is_free).collect();
        if !free.is_subset(&state.free) {
            self.found.notify_one();
        }
        state.free = free;
    }

    /// Notes how far the machine's clock is off, and follows the database's when one of them was set.
    async fn read_clock(&self) -> Result<(), StoreError> {
        if !self.by_database_clock {
            return Ok(());
        }
        let (now, error) = database_time(&*self.store, &self.clock).await?;
        if error > limits::CLOCK_READ_MAX.as_millis() as i64 {
            return Ok(());
        }
        let off = |time: Timestamp| time.as_millis() - now.as_millis();
        self.state.write().clock_off = Some((off(self.clock.machine()), error));
        if off(self.clock.utc()).abs() > error + limits::CLOCK_STEP_MIN_MS {
            self.clock.follow(now);
        }
        Ok(())
    }

    /// Takes away rows of lives before this one, all of which are over, but for the newest.
    async fn forget_before(&self) -> Result<(), StoreError> {
        let members = self.store.members().await?;
        let before = members.iter().rev().filter(|member| member.node < self.node);
        for member in before.skip(limits::DEAD_MEMBERS_KEPT) {
            self.store.forget_member(member.node, member.beat).await?;
        }
        Ok(())
    }

    pub(super) fn set_sales(&self, running: usize) {
        self.sales.store(running as u32, Ordering::Relaxed);
    }

    fn own_state(&self) -> MemberState {
        let state = self.state.read();
        match state.leaves || state.is_to_drain {
            true => MemberState::Draining,
            false => MemberState::Up,
        }
    }

    /// From now on nothing is taken. The last that is said is that we stop.
    pub(super) fn leave(&self) {
        self.state.write().leaves = true;
        self.looked.notify_one();
    }

    pub(super) fn leaves(&self) -> bool {
        self.state.read().leaves
    }

    /// Resolves when it was looked who lives, or something is to be given away.
    pub(super) async fn looked(&self) {
        self.looked.notified().await;
    }

    /// Resolves when sales were seen that nobody runs who lives.
    pub(super) async fn found_free(&self) {
        self.found.notified().await;
    }

    pub(super) fn connect_bus(&self) {
        self.has_bus.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_bus(&self) -> bool {
        self.has_bus.load(Ordering::Relaxed)
    }

    /// Another server says that it is alive, and whom it hears.
    pub(super) fn hear(&self, from: NodeNo, hears: Vec<NodeNo>, now: Timestamp) {
        self.state.write().links.hear(from, hears, now);
    }

    /// Looks who is heard over the bus, which may be out for us.
    pub(super) fn listen(&self, now: Timestamp, is_out: bool) {
        let state = &mut *self.state.write();
        state.links.look(now, is_out);
        let members = &state.members;
        state.links.forget(|node| members.is_forgotten(node));
        if misses_somebody(state, self.node, now) {
            self.late.notify_one();
        }
    }

    fn misses_somebody(&self, now: Timestamp) -> bool {
        misses_somebody(&self.state.read(), self.node, now)
    }

    /// The others that are heard over the bus.
    pub(super) fn heard(&self) -> Vec<NodeNo> {
        self.state.read().links.heard(self.clock.steady())
    }

    /// Nothing is run here any more, and nobody needs to wait to know it.
    pub(super) async fn stop(&self) -> Result<(), StoreError> {
        self.set_sales(0);
        self.say(MemberState::Stopped).await
    }

    /// May this sale, which is held so now, be taken from who holds it?
    pub(super) fn held(&self, concert: ConcertId, holder: &Holder) -> Held {
        self.held_in(&self.state.read(), concert, holder, self.clock.steady())
    }

    fn held_in(&self, state: &State, concert: ConcertId, holder: &Holder, now: Timestamp) -> Held {
        let Some(writer) = holder.writer else { return Held::Free };
        if self.writers.contains(&writer) {
            return Held::Here;
        }
        if !self.is_watched() || self.former.contains(&writer) {
            return Held::Free;
        }
        let has_stopped = writer.node().is_some_and(|node| state.members.has_stopped(node));
        let is_missed = || {
            let living = state.members.living().map(|member| member.node);
            writer.node().is_some_and(|node| state.links.misses(node, living, now))
        };
        let stands = |mark: &Mark<Holder>| {
            let stood = mark.stood_still(limits::MISSED_LEASE, limits::MISSED_READINGS_MIN);
            mark.value() == holder && (mark.is_dead() || stood && is_missed())
        };
        match has_stopped || state.sales.get(&concert).is_some_and(stands) {
            true => Held::Free,
            false => Held::Elsewhere,
        }
    }

    /// Who held a sale when it was looked last.
    pub(super) fn holder(&self, concert: ConcertId) -> Option<Holder> {
        self.state.read().sales.get(&concert).map(|mark| *mark.value())
    }

    /// How many of the others rank before us for a sale. Who was heard over the bus and is silent does not come for it.
    pub(super) fn rank(&self, concert: ConcertId) -> u32 {
        let (state, now) = (self.state.read(), self.clock.steady());
        state.members.rank(concert, (&self.about.name, self.node), |node| !is_silent(&state, node, now))
    }

    /// Why all sales are given away; `None`: they are not.
    pub(super) fn gives_all(&self) -> Option<GivesAll> {
        let (state, now) = (self.state.read(), self.clock.steady());
        let living = state.members.living().map(|member| member.node);
        match &*state {
            State { leaves: true, .. } => Some(GivesAll::Leaves),
            State { is_to_drain: true, .. } => Some(GivesAll::Drained),
            state if state.links.is_unheard(living, now) => Some(GivesAll::Unheard),
            _ => None,
        }
    }

    /// Who is to run a sale instead of us: the first in rank of those that may and are heard; of all that may, the best heard one,
    /// if we are given up because nobody hears us. `None`: there is nobody.
    pub(super) fn heir(&self, concert: ConcertId, why: GivesAll) -> Option<NodeNo> {
        let (state, now) = (self.state.read(), self.clock.steady());
        let place = |member: &&Member| {
            let hearers = match why {
                GivesAll::Unheard => state.links.hearers(member.node, now),
                GivesAll::Leaves | GivesAll::Drained => 0,
            };
            let is_heard = state.links.is_heard(member.node, now);
            (is_heard, hearers, placement::place(concert, (&member.about.name, member.node)))
        };
        let heirs = state.members.may_own(self.node).filter(|heir| !is_silent(&state, heir.node, now));
        heirs.max_by_key(place).map(|heir| heir.node)
    }

    /// May this other server run sales, for all that is known?
    pub(super) fn may_own(&self, node: NodeNo) -> bool {
        let (state, now) = (self.state.read(), self.clock.steady());
        state.members.may_own(self.node).any(|member| member.node == node) && !is_silent(&state, node, now)
    }

    /// Sales of ours that somebody wishes another server to run.
    pub(super) fn wished_moves(&self) -> Vec<(ConcertId, NodeNo)> {
        let state = self.state.read();
        let wished = state.sales.iter().filter_map(|(concert, mark)| {
            let Holder { writer, moves_to, .. } = *mark.value();
            let is_ours = writer.is_some_and(|writer| self.writers.contains(&writer));
            moves_to.filter(|to| is_ours && *to != self.node).map(|to| (*concert, to))
        });
        wished.collect()
    }

    /// May sales be taken now? Who was asked to give them away takes them only when nobody else can.
    pub(super) fn may_take(&self) -> bool {
        let is_asked = {
            let state = self.state.read();
            state.leaves || state.is_to_drain && state.members.may_own(self.node).next().is_some()
        };
        !is_asked && self.why_it_owns_nothing().is_none()
    }

    /// That this server is to give its sales away, if it is.
    fn note(&self) -> Option<String> {
        let state = self.state.read();
        if !state.is_to_drain {
            return None;
        }
        Some(match state.members.may_own(self.node).next() {
            Some(_) => "this server is drained: it serves, and other servers run its sales".to_owned(),
            None => "this server is to be drained, and no other server can run its sales".to_owned(),
        })
    }

    /// Why this server may take no sale now; `None`: it may.
    pub fn why_it_owns_nothing(&self) -> Option<String> {
        let state = self.state.read();
        if let Some((ahead, error)) = state.clock_off
            && ahead.abs() - error > CLOCK_OFF_MAX.as_millis() as i64
        {
            let side = if ahead > 0 { "ahead of" } else { "behind" };
            let seconds = ahead.unsigned_abs() as f64 / 1_000.0;
            return Some(format!(
                "this server takes no sales: its machine's clock is {seconds:.1} s {side} the database's"
            ));
        }
        if let Some(older) = state.members.with_older_key(self.node, &self.about.key_print) {
            return Some(format!(
                "this server takes no sales: it signs tokens with another key (print {}) than {} (print {}), which is up: the \
                 file `token.key` has to be the same in the data folder of each server",
                self.about.key_print,
                older.named(),
                older.about.key_print
            ));
        }
        let older = state.members.with_older_rules(self.node, &self.about.rules_print)?;
        Some(format!(
            "this server takes no sales: its rules for all of them (print {}) are not those of {} (print {}), which is up",
            self.about.rules_print,
            older.named(),
            older.about.rules_print
        ))
    }

    /// Is this server dead, for all that was seen and heard? One that lost only the database is not.
    pub(super) fn is_dead(&self, node: NodeNo) -> bool {
        is_dead(&self.state.read(), node)
    }

    /// Was it heard over the bus, and is it silent?
    pub(super) fn is_silent(&self, node: NodeNo) -> bool {
        is_silent(&self.state.read(), node, self.clock.steady())
    }

    /// Is nothing left of it, not even its row?
    pub(super) fn is_forgotten(&self, node: NodeNo) -> bool {
        let state = self.state.read();
        state.members.is_forgotten(node) && !state.links.lives(node)
    }

    /// Servers that are dead, as far as there is a row of them.
    pub(super) fn dead(&self) -> Vec<NodeNo> {
        let state = self.state.read();
        state.members.dead().filter(|node| is_dead(&state, *node)).collect()
    }

    /// The number of servers that live.
    pub(super) fn living(&self) -> usize {
        self.state.read().members.living().count()
    }

    /// Who runs each sale, by which claim, as the database said last.
    pub(super) fn owners(&self) -> Vec<(ConcertId, NodeNo, u64)> {
        let state = self.state.read();
        let held = state.sales.iter().filter_map(|(concert, mark)| {
            let Holder { writer, epoch, .. } = *mark.value();
            Some((*concert, writer?.node()?, epoch))
        });
        held.collect()
    }

    /// The other servers that live, by number and name.
    pub fn others(&self) -> Vec<String> {
        let state = self.state.read();
        let others = state.members.living().filter(|member| member.node != self.node);
        others.map(Member::named).collect()
    }

    /// The number and name of the server that a writer belongs to.
    pub(super) fn named(&self, writer: WriterId) -> Option<String> {
        self.state.read().members.get(writer.node()?).map(Member::named)
    }

    /// What an operator has to know of this server although it serves.
    pub fn notes(&self) -> Vec<String> {
        let missed = self.missed().into_iter();
        let missed = missed.map(|server| format!("{server} lives, and the bus brings nothing of it"));
        self.note().into_iter().chain(missed).collect()
    }

    /// The others that live, and are not heard over the bus although they were before.
    fn missed(&self) -> Vec<String> {
        let (state, now) = (self.state.read(), self.clock.steady());
        let is_missed = |member: &&Member| member.node != self.node && is_silent(&state, member.node, now);
        state.members.living().filter(is_missed).map(Member::named).collect()
    }

    /// The others that live and hear somebody over the bus, and of whom nothing was heard yet.
    pub(super) fn unheard(&self) -> Vec<String> {
        let (state, now) = (self.state.read(), self.clock.steady());
        let is_unheard = |member: &&Member| {
            let is_up = member.state == MemberState::Up && member.hears > 0;
            member.node != self.node && is_up && state.links.silence(member.node, now).is_none()
        };
        state.members.living().filter(is_unheard).map(Member::named).collect()
    }

    /// Says once what somebody has to know, and counts.
    fn tell(&self, metrics: &Metrics) {
        let (why, others, missed) = (self.why_it_owns_nothing(), self.others(), self.missed());
        metrics.members.set(others.len() as i64 + 1);
        metrics.members_heard.set(self.heard().len() as i64);
        if let Some((ahead, _)) = self.state.read().clock_off {
            metrics.clock_ahead_ms.set(ahead);
        }
        let said = &mut *self.said.lock();
        if said.met == others.is_empty() {
            said.met = !others.is_empty();
            let others = others.join(", ");
            match (said.met, self.has_bus()) {
                (true, false) => tracing::warn!(
                    others,
                    "other servers of this database live, and no bus connects us: the sales that they run are not taken from \
                     them, and requests for those are refused here"
                ),
                (true, true) => tracing::info!(others, "other servers of this database live"),
                (false, _) => tracing::info!("no other server of this database lives"),
            }
        }
        if said.missed != missed {
            match missed.is_empty() {
                false => tracing::warn!(
                    missed = missed.join(", "),
                    "other servers live, and the bus brings nothing of them"
                ),
                true => tracing::info!("nobody is missed on the bus any more"),
            }
            said.missed = missed;
        }
        let note = self.note();
        if said.note != note {
            match &note {
                Some(note) => tracing::warn!("{note}"),
                None => tracing::info!("this server is not drained any more"),
            }
            said.note = note;
        }
        if said.why != why {
            match &why {
                Some(why) => tracing::warn!("{why}"),
                None => tracing::info!("this server may take sales again"),
            }
            said.why = why;
        }
    }
}

fn is_dead(state: &State, node: NodeNo) -> bool {
    state.members.has_stopped(node) || state.members.is_dead(node) && !state.links.lives(node)
}

/// Was it heard over the bus before, and not for a while?
fn is_silent(state: &State, node: NodeNo, now: Timestamp) -> bool {
    state.links.silence(node, now).is_some_and(|for_| for_ > limits::ALIVE_SILENCE)
}

fn misses_somebody(state: &State, own: NodeNo, now: Timestamp) -> bool {
    let others = state.members.living().map(|member| member.node).filter(|node| *node != own);
    state.links.misses_one_of(others, now)
}
