//! The sales that are known, and for each whether this process runs it, loads it, or leaves it to another process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

use crate::domain::ids::ConcertId;
use crate::limits;
use crate::store::WriterId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SaleStatus {
    /// The sale is in the store and not in memory yet, or is being rebuilt.
    Loading,
    /// The sale is loaded, and on its way to its lane.
    Handed,
    Running,
    /// Another process is its writer, the one that was seen last.
    Elsewhere(Option<WriterId>),
}

#[derive(Default)]
pub(super) struct Sales {
    state: RwLock<State>,
    /// Whether there is a store fault, for those who wait for something else meanwhile.
    store_is_out: watch::Sender<bool>,
    /// A sale was named that is to be loaded.
    named: Notify,
    /// A sale's status changed.
    changed: Notify,
    /// Whether there is a rehearsal, and whether one leaves: asked for with every request, and by every lane all the time.
    has_rehearsals: AtomicBool,
    has_leaving: AtomicBool,
    /// The same of sales that move.
    has_moving: AtomicBool,
}

#[derive(Default)]
struct State {
    sales: BTreeMap<ConcertId, SaleStatus>,
    /// The claims by which sales were run here last.
    epochs: BTreeMap<ConcertId, u64>,
    /// Sales with nothing left to run that somebody asked for: they run all the same. The one named last is the last.
    named: VecDeque<ConcertId>,
    /// Rehearsals that are run here. They are nobody's business but their own.
    rehearsals: BTreeSet<ConcertId>,
    /// Those of them that are to leave memory.
    leaving: BTreeSet<ConcertId>,
    /// Sales that another server is to run, and that are run here still.
    moving: BTreeSet<ConcertId>,
    /// Those of them that are not run here any more, until their claims are released: nobody loads them meanwhile.
    let_go: BTreeSet<ConcertId>,
    /// Sales that another server gave free for this one.
    offered: BTreeSet<ConcertId>,
    /// The reason why the store cannot be used; `None`: it can.
    store_fault: Option<String>,
    /// Sales that stand still because their tables refuse what their journals say, and what that is.
    stuck: BTreeMap<ConcertId, String>,
    /// Sales that other servers run and that are shown here.
    copied: BTreeSet<ConcertId>,
    /// A bus leads to other servers.
    has_bus: bool,
    /// The trouble that each lane has with the store, although that may answer others.
    troubles: BTreeMap<String, String>,
    started: bool,
}

impl Sales {
    pub fn status(&self, concert: ConcertId) -> Option<SaleStatus> {
        self.state.read().sales.get(&concert).copied()
    }

    pub fn set(&self, concert: ConcertId, status: SaleStatus) {
        self.state.write().sales.insert(concert, status);
        self.changed.notify_waiters();
    }

    /// A sale runs here, by this claim.
    pub fn set_running(&self, concert: ConcertId, epoch: u64) {
        let mut state = self.state.write();
        state.sales.insert(concert, SaleStatus::Running);
        state.epochs.insert(concert, epoch);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The claim by which a sale is run here now.
    pub fn epoch_here(&self, concert: ConcertId) -> Option<u64> {
        let state = self.state.read();
        let runs = state.sales.get(&concert) == Some(&SaleStatus::Running);
        state.epochs.get(&concert).copied().filter(|_| runs)
    }

    /// The last claim by which a sale was run here.
    pub fn last_epoch(&self, concert: ConcertId) -> Option<u64> {
        self.state.read().epochs.get(&concert).copied()
    }

    /// Notes that somebody asked for this sale, which is not among those that run by themselves. The one that was named first
    /// of too many is forgotten: it goes on while it is in memory, and is not looked for after that.
    pub fn name(&self, concert: ConcertId) {
        let mut state = self.state.write();
        state.named.retain(|named| *named != concert);
        if state.named.len() == limits::NAMED_SALES_MAX {
            state.named.pop_front();
        }
        state.named.push_back(concert);
        drop(state);
        self.named.notify_one();
    }

    /// Those that somebody asked for.
    pub fn named(&self) -> Vec<ConcertId> {
        self.state.read().named.iter().copied().collect()
    }

    /// Notes that this is a rehearsal, which is run here.
    pub fn rehearse(&self, concert: ConcertId) {
        self.state.write().rehearsals.insert(concert);
        self.has_rehearsals.store(true, Ordering::Release);
    }

    pub fn is_rehearsal(&self, concert: ConcertId) -> bool {
        self.has_rehearsals.load(Ordering::Acquire) && self.state.read().rehearsals.contains(&concert)
    }

    /// A rehearsal is to leave memory; its lane does it.
    pub fn dismiss(&self, concert: ConcertId) {
        let mut state = self.state.write();
        state.named.retain(|named| *named != concert);
        state.leaving.insert(concert);
        drop(state);
        self.has_leaving.store(true, Ordering::Release);
    }

    /// The rehearsals that are to leave memory.
    pub fn leaving(&self) -> Vec<ConcertId> {
        match self.has_leaving.load(Ordering::Acquire) {
            true => self.state.read().leaving.iter().copied().collect(),
            false => Vec::new(),
        }
    }

    /// Another server is to run this sale: its lane lets go of it when it can.
    pub fn ask_for(&self, concert: ConcertId) {
        self.state.write().moving.insert(concert);
        self.has_moving.store(true, Ordering::Release);
    }

    pub fn has_moving(&self) -> bool {
        self.has_moving.load(Ordering::Acquire)
    }

    /// The sales that their lanes are to let go of.
    pub fn moving(&self) -> Vec<ConcertId> {
        match self.has_moving() {
            true => self.state.read().moving.iter().copied().collect(),
            false => Vec::new(),
        }
    }

    /// Its lane lets go of a sale. `false`: it is not to do so any more.
    pub fn let_go_of(&self, concert: ConcertId) -> bool {
        let mut state = self.state.write();
        let is_to_move = state.moving.contains(&concert);
        if is_to_move {
            state.let_go.insert(concert);
        }
        drop(state);
        self.keep(concert);
        is_to_move
    }

    /// A sale is not to be let go of any more.
    pub fn keep(&self, concert: ConcertId) {
        let mut state = self.state.write();
        state.moving.remove(&concert);
        self.has_moving.store(!state.moving.is_empty(), Ordering::Release);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The claim of a sale that was let go of is released, or cannot be: whoever may load it may do so.
    pub fn may_be_loaded(&self, concert: ConcertId) {
        self.state.write().let_go.remove(&concert);
    }

    pub fn was_let_go(&self, concert: ConcertId) -> bool {
        self.state.read().let_go.contains(&concert)
    }

    /// What was to move stays where it is: whoever saw to that has begun anew.
    pub fn keep_all(&self) {
        let mut state = self.state.write();
        state.moving.clear();
        state.let_go.clear();
        self.has_moving.store(false, Ordering::Release);
    }

    /// Resolves when a lane has let go of a sale, or keeps it. Has it let go?
    pub async fn is_decided(&self, concert: ConcertId) -> bool {
        loop {
            let changed = self.changed.notified();
            let decided = {
                let state = self.state.read();
                (!state.moving.contains(&concert)).then(|| state.let_go.contains(&concert))
            };
            if let Some(was_let_go) = decided {
                return was_let_go;
            }
            changed.await;
        }
    }

    /// Resolves when the status of a sale may be another one.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Another server gave a sale free for this one.
    pub fn offer(&self, concert: ConcertId) {
        let mut state = self.state.write();
        // A server that offers what it never had is not to fill our memory.
        if state.offered.len() < limits::OFFERED_SALES_MAX {
            state.offered.insert(concert);
        }
        drop(state);
        self.named.notify_one();
    }

    /// The sales that were offered since this was asked for.
    pub fn take_offered(&self) -> BTreeSet<ConcertId> {
        std::mem::take(&mut self.state.write().offered)
    }

    /// Does this while a sale runs here, and gives what comes of it; none if it does not run. Nobody is told of another status before.
    pub fn while_running<T>(&self, concert: ConcertId, does: impl FnOnce() -> T) -> Option<T> {
        let state = self.state.read();
        let runs = state.sales.get(&concert) == Some(&SaleStatus::Running);
        runs.then(does)
    }

    /// A rehearsal or an archived sale has left memory, and nothing is known of it any more.
    pub fn forget(&self, concert: ConcertId) {
        let mut state = self.state.write();
        state.sales.remove(&concert);
        state.epochs.remove(&concert);
        state.named.retain(|named| *named != concert);
        state.rehearsals.remove(&concert);
        state.leaving.remove(&concert);
        state.stuck.remove(&concert);
        self.has_rehearsals.store(!state.rehearsals.is_empty(), Ordering::Release);
        self.has_leaving.store(!state.leaving.is_empty(), Ordering::Release);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Resolves when a rehearsal has left memory.
    pub async fn has_left(&self, concert: ConcertId) {
        loop {
            let changed = self.changed.notified();
            if !self.state.read().leaving.contains(&concert) {
                return;
            }
            changed.await;
        }
    }

    /// Resolves when one was named since it was asked last.
    pub async fn one_is_named(&self) {
        self.named.notified().await;
    }

    /// Resolves when a sale runs here, or in another process; if a bus leads there, when it is shown here.
    pub async fn runs(&self, concert: ConcertId) -> SaleStatus {
        loop {
            let changed = self.changed.notified();
            match self.status(concert) {
                Some(SaleStatus::Elsewhere(_)) if self.is_awaited(concert) => changed.await,
                Some(status @ (SaleStatus::Running | SaleStatus::Elsewhere(_))) => return status,
                Some(SaleStatus::Loading | SaleStatus::Handed) | None => changed.await,
            }
        }
    }

    /// Is a sale that another server runs to be shown here soon?
    fn is_awaited(&self, concert: ConcertId) -> bool {
        let state = self.state.read();
        state.has_bus && !state.copied.contains(&concert)
    }

    /// The number of sales that are in memory here.
    pub fn running(&self) -> usize {
        let is_here = |status: &&SaleStatus| **status == SaleStatus::Running;
        self.state.read().sales.values().filter(is_here).count()
    }

    pub fn is_named(&self, concert: ConcertId) -> bool {
        let state = self.state.read();
        state.named.contains(&concert) || state.rehearsals.contains(&concert)
    }

    /// The store has said which sales there are.
    pub fn set_started(&self) {
        self.state.write().started = true;
    }

    /// Takes the reason why the store cannot be used now; `None`: it can.
    pub fn set_store_fault(&self, fault: Option<String>) {
        let is_out = fault.is_some();
        {
            let mut state = self.state.write();
            if state.store_fault != fault {
                state.store_fault = fault;
            }
        }
        self.store_is_out.send_replace(is_out);
    }

    /// Takes what the tables of a sale refuse of its journal; `None`: nothing.
    pub fn set_stuck(&self, concert: ConcertId, what: Option<String>) {
        let mut state = self.state.write();
        match what {
            Some(what) => drop(state.stuck.insert(concert, what)),
            None => drop(state.stuck.remove(&concert)),
        }
    }

    pub fn set_trouble(&self, lane: &str, trouble: Option<String>) {
        let mut state = self.state.write();
        match trouble {
            Some(trouble) => drop(state.troubles.insert(lane.to_owned(), trouble)),
            None => drop(state.troubles.remove(lane)),
        }
    }

    /// Resolves when the store cannot be used.
    pub async fn store_is_out(&self) {
        // The sender lives as long as `self`.
        let _ = self.store_is_out.subscribe().wait_for(|is_out| *is_out).await;
    }

    /// Takes which sales of other servers are shown here, as far as a bus leads to them.
    pub fn set_copied(&self, copied: BTreeSet<ConcertId>) {
        let mut state = self.state.write();
        state.has_bus = true;
        if state.copied != copied {
            state.copied = copied;
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// Is this sale shown here while another server runs it?
    pub fn is_copied(&self, concert: ConcertId) -> bool {
        self.state.read().copied.contains(&concert)
    }

    /// Whether the sales are known and all of them run in this process, or are shown in it.
    pub fn all_are_shown(&self) -> bool {
        let state = self.state.read();
        let is_here = |(concert, status): (&ConcertId, &SaleStatus)| {
            *status == SaleStatus::Running
                || state.copied.contains(concert)
                || state.named.contains(concert)
                || state.rehearsals.contains(concert)
        };
        state.started && state.sales.iter().all(is_here)
    }

    /// Whether the sales are known and each of them is in memory here.
    pub fn every_one_runs(&self) -> bool {
        let state = self.state.read();
        state.started && state.sales.values().all(|status| *status == SaleStatus::Running)
    }

    /// The reasons why requests are not served here, although nothing is missing.
    pub fn troubles(&self) -> Vec<String> {
        self.state.read().troubles.values().cloned().collect()
    }

    /// The sales that other servers run, as reasons why requests for them are not served here. `named` says which server a
    /// writer belongs to.
    pub fn out_of_reach(&self, named: impl Fn(WriterId) -> Option<String>) -> Vec<String> {
        let state = self.state.read();
        let elsewhere = state.known().filter_map(|(concert, status)| match status {
            SaleStatus::Elsewhere(_) if state.copied.contains(concert) => None,
            SaleStatus::Elsewhere(holder) => Some((concert, holder.and_then(&named))),
            _ => None,
        });
        let said = elsewhere.map(|(concert, server)| match server {
            Some(server) if state.has_bus => {
                format!("sale {concert} is run by another server, {server}, and is being read")
            }
            Some(server) => {
                format!("sale {concert} is run by another server, {server}, and no bus leads to it")
            }
            None => format!("sale {concert} is run by another server"),
        });
        said.collect()
    }

    /// Each sale, and where it runs, without rehearsals.
    pub fn all(&self) -> Vec<(ConcertId, SaleStatus)> {
        self.state.read().known().map(|(concert, status)| (*concert, *status)).collect()
    }

    /// The reasons why this process cannot serve every sale yet; empty when it can.
    pub fn missing(&self) -> Vec<String> {
        let state = self.state.read();
        let loading = state
            .known()
            .filter(|(_, status)| matches!(status, SaleStatus::Loading | SaleStatus::Handed))
            // Whoever asked for one waits for it; nobody else does.
            .filter(|(concert, _)| !state.named.contains(concert))
            .map(|(concert, _)| match state.stuck.get(concert) {
                Some(what) => format!("sale {concert} stands still: {what} (`frontrow repair` goes past it)"),
                None => format!("sale {concert} is being recovered"),
            });
        let fault = state.store_fault.iter().map(|fault| format!("store: {fault}"));
        let starting = (!state.started).then(|| "sales are being looked up".to_owned());
        fault.chain(starting).chain(loading).collect()
    }
}

impl State {
    /// The sales that others may hear of.
    fn known(&self) -> impl Iterator<Item = (&ConcertId, &SaleStatus)> {
        self.sales.iter().filter(|(concert, _)| !self.rehearsals.contains(concert))
    }
}
