//! This server among those of its database: what it says of itself every second, and what it sees of the others.
//!
//! Always: who is dead follows from marks that stood still by our own steady time (`domain::mark`), and only from looks that
//! came with a beat of our own: where we could not write, others could not either. Nothing here moves a sale; what a verdict is
//! about is named in the claim that follows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::clock::Clock;
use crate::domain::ids::{ConcertId, NodeNo};
use crate::domain::mark::{Mark, Reading};
use crate::domain::membership::{About, CLOCK_OFF_MAX, Member, MemberState, Members};
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
    state: RwLock<State>,
    /// The reason that was logged last why nothing is owned here, and whether others were seen.
    said: Mutex<(Option<String>, bool)>,
}

struct State {
    members: Members,
    sales: BTreeMap<ConcertId, Mark<Holder>>,
    own: MemberState,
    /// The milliseconds by which the machine's clock is ahead of the database's, and how wrong that may be.
    clock_off: Option<(i64, i64)>,
}

/// Joins the others, as somebody new, and looks who is there.
pub async fn join(store: Arc<dyn Store>, clock: Clock, joining: Joining) -> Result<Arc<Cluster>, JoinError> {
    let Joining { about, lanes, former, by_database_clock } = joining;
    // A process that had our folder before is dead, whatever its row says.
    for node in former.iter().filter_map(|former| former.node()) {
        store.beat_member(node, MemberState::Stopped, 0).await?;
    }
    let clock_off = match by_database_clock && !store.is_embedded() {
        true => Some(begin_by_database(&*store, &clock).await?),
        false => None,
    };
    let node = store.join_members(&about).await?;
    let writers = (0..lanes.max(1)).map(|_| WriterId::of(node)).collect();
    let state =
        State { members: Members::default(), sales: BTreeMap::new(), own: MemberState::Up, clock_off };
    let cluster = Cluster {
        store,
        clock,
        node,
        about,
        writers,
        former,
        by_database_clock,
        sales: AtomicU32::new(0),
        state: RwLock::new(state),
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
            let due = self.clock.steady() + limits::MEMBER_BEAT_INTERVAL;
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
            self.clock.sleep_until(due).await;
        }
    }

    /// Says that we live, and looks who else does.
    async fn look(&self) -> Result<(), StoreError> {
        let own = self.state.read().own;
        // Without it nothing that is seen counts: whoever could not write for a while may be well.
        self.say(own).await?;
        let began = self.clock.steady();
        let (members, holders) = (self.store.members().await?, self.store.holders().await?);
        self.see(members, holders, Reading { began, ended: self.clock.steady() });
        self.read_clock().await?;
        let outlived = self.state.read().members.outlived(self.node, limits::DEAD_MEMBERS_KEPT);
        for (node, beat) in outlived.into_iter().take(limits::DEAD_MEMBERS_FORGOTTEN_AT_ONCE) {
            self.store.forget_member(node, beat).await?;
        }
        Ok(())
    }

    async fn say(&self, state: MemberState) -> Result<(), StoreError> {
        let sales = self.sales.load(Ordering::Relaxed);
        if self.store.beat_member(self.node, state, sales).await? || state == MemberState::Stopped {
            return Ok(());
        }
        // Who stood still for long was taken for dead, and its row taken away.
        let member = Member { node: self.node, about: self.about.clone(), beat: 0, state, sales };
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

    /// The last that is said is that we stop.
    pub(super) fn drain(&self) {
        self.state.write().own = MemberState::Draining;
    }

    /// Nothing is run here any more, and nobody needs to wait to know it.
    pub(super) async fn stop(&self) -> Result<(), StoreError> {
        self.set_sales(0);
        self.say(MemberState::Stopped).await
    }

    /// May this sale, which is held so now, be taken from who holds it?
    pub(super) fn held(&self, concert: ConcertId, holder: &Holder) -> Held {
        let Some(writer) = holder.writer else { return Held::Free };
        if self.writers.contains(&writer) {
            return Held::Here;
        }
        if !self.is_watched() || self.former.contains(&writer) {
            return Held::Free;
        }
        let state = self.state.read();
        let has_stopped = writer.node().is_some_and(|node| state.members.has_stopped(node));
        let stands = |mark: &Mark<Holder>| mark.value() == holder && mark.is_dead();
        match has_stopped || state.sales.get(&concert).is_some_and(stands) {
            true => Held::Free,
            false => Held::Elsewhere,
        }
    }

    /// How many of the others rank before us for a sale.
    pub(super) fn rank(&self, concert: ConcertId) -> u32 {
        self.state.read().members.rank(concert, (&self.about.name, self.node))
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

    /// Is this server dead, for all that was seen?
    pub(super) fn is_dead(&self, node: NodeNo) -> bool {
        self.state.read().members.is_dead(node)
    }

    /// Is nothing left of it, not even its row?
    pub(super) fn is_forgotten(&self, node: NodeNo) -> bool {
        self.state.read().members.is_forgotten(node)
    }

    /// Servers that are dead, as far as there is a row of them.
    pub(super) fn dead(&self) -> Vec<NodeNo> {
        self.state.read().members.dead().collect()
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

    /// Says once what somebody has to know, and counts.
    fn tell(&self, metrics: &Metrics) {
        let (why, others) = (self.why_it_owns_nothing(), self.others());
        metrics.members.set(others.len() as i64 + 1);
        if let Some((ahead, _)) = self.state.read().clock_off {
            metrics.clock_ahead_ms.set(ahead);
        }
        let (said, met) = &mut *self.said.lock();
        if *met == others.is_empty() {
            *met = !others.is_empty();
            match met {
                true => tracing::warn!(
                    others = others.join(", "),
                    "other servers of this database live, and no bus connects us: the sales that they run are not taken from \
                     them, and requests for those are refused here"
                ),
                false => tracing::info!("no other server of this database lives"),
            }
        }
        if *said != why {
            match &why {
                Some(why) => tracing::warn!("{why}"),
                None => tracing::info!("this server may take sales again"),
            }
            *said = why;
        }
    }
}
