//! The sales that are known, and for each whether this process runs it, loads it, or leaves it to another process.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::domain::ids::ConcertId;
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
}

#[derive(Default)]
struct State {
    sales: BTreeMap<ConcertId, SaleStatus>,
    /// The reason why the store cannot be used; `None`: it can.
    store_fault: Option<String>,
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

    /// Whether the sales are known and all of them run in this process.
    pub fn all_run_here(&self) -> bool {
        let state = self.state.read();
        state.started && state.sales.values().all(|status| *status == SaleStatus::Running)
    }

    /// The reasons why requests are not served here, although nothing is missing.
    pub fn troubles(&self) -> Vec<String> {
        let state = self.state.read();
        let elsewhere = state.sales.iter().filter(|(_, status)| matches!(status, SaleStatus::Elsewhere(_)));
        let elsewhere = elsewhere.map(|(concert, _)| format!("sale {concert} is run by another server"));
        state.troubles.values().cloned().chain(elsewhere).collect()
    }

    /// Each sale, and where it runs.
    pub fn all(&self) -> Vec<(ConcertId, SaleStatus)> {
        self.state.read().sales.iter().map(|(concert, status)| (*concert, *status)).collect()
    }

    /// The reasons why this process cannot serve every sale yet; empty when it can.
    pub fn missing(&self) -> Vec<String> {
        let state = self.state.read();
        let loading = state
            .sales
            .iter()
            .filter(|(_, status)| matches!(status, SaleStatus::Loading | SaleStatus::Handed))
            .map(|(concert, _)| format!("sale {concert} is being recovered"));
        let fault = state.store_fault.iter().map(|fault| format!("store: {fault}"));
        let starting = (!state.started).then(|| "sales are being looked up".to_owned());
        fault.chain(starting).chain(loading).collect()
    }
}
