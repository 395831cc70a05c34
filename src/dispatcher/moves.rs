//! The task that has sales given away: because somebody wishes it, because this server stops or is drained, or because nobody
//! hears it.
//!
//! Always: a sale goes on selling until its lane lets go of it between two batches; its claim is released after that, and names
//! the heir. What fails on the way leaves the sale with this server, or free for everybody. Not here: taking, which is recovery's.

use std::sync::Arc;

use futures_util::StreamExt;

use super::cluster::GivesAll;
use super::exchange::Exchange;
use super::handle::Shared;
use super::lane_of;
use super::mailbox::Work;
use super::sales::SaleStatus;
use super::tables::Rows;
use crate::domain::command::Command;
use crate::domain::ids::{ConcertId, NodeNo};
use crate::fanout::ReplyTo;
use crate::limits;
use crate::store::StoreError;

pub(super) struct Moves {
    pub shared: Arc<Shared>,
    pub exchange: Arc<Exchange>,
}

impl Moves {
    /// Runs for as long as the server lives, however often it is begun again.
    pub async fn run(self) {
        self.shared.sales.keep_all();
        loop {
            self.shared.cluster.looked().await;
            let moves = futures_util::stream::iter(self.due());
            let give = |(concert, heir)| self.give(concert, heir);
            moves.for_each_concurrent(limits::SALES_MOVED_AT_ONCE_MAX, give).await;
        }
    }

    /// The sales that run here and are another server's to run.
    fn due(&self) -> Vec<(ConcertId, NodeNo)> {
        let (sales, cluster) = (&self.shared.sales, &self.shared.cluster);
        let Some(why) = cluster.gives_all() else {
            let mut wished = cluster.wished_moves();
            let runs = |concert| sales.status(concert) == Some(SaleStatus::Running);
            wished.retain(|(concert, to)| runs(*concert) && cluster.may_own(*to));
            return wished;
        };
        let running = sales.all().into_iter().filter(|(_, status)| *status == SaleStatus::Running);
        let due: Vec<_> =
            running.filter_map(|(concert, _)| Some((concert, cluster.heir(concert, why)?))).collect();
        if why == GivesAll::Unheard && !due.is_empty() {
            tracing::warn!(
                sales = due.len(),
                "most of the other servers say that they do not hear this one, and it gives its sales away"
            );
        }
        due
    }

    /// Waits until the tables of a sale have what it did by now; what they do not have in time its heir brings in.
    async fn follow(&self, concert: ConcertId, lane: usize) {
        let tables = &self.shared.tables[lane];
        let targets = tables.targets(Rows::OfSale(concert));
        tokio::select! {
            biased;
            () = tables.have(&targets) => {}
            () = self.shared.clock.run_out(limits::MOVE_TABLES_PATIENCE) => {}
        }
    }

    /// Gives a sale to its heir, if its lane lets go of it.
    async fn give(&self, concert: ConcertId, heir: NodeNo) {
        let (shared, clock) = (&self.shared, &self.shared.clock);
        let lane = lane_of(concert, shared.mailboxes.len());
        let began = clock.steady();
        // Most of it while the sale is sold here.
        self.follow(concert, lane).await;
        shared.sales.ask_for(concert);
        // A lane that waits looks around when something comes.
        let look = Work::Sale { concert, command: Command::Figures };
        let _ = shared.mailboxes[lane].post(look, ReplyTo::Nobody);
        let was_let_go = tokio::select! {
            biased;
            let_go = shared.sales.is_decided(concert) => let_go,
            () = clock.run_out(limits::MOVE_LANE_PATIENCE) => {
                shared.sales.keep(concert);
                shared.sales.was_let_go(concert)
            }
        };
        if !was_let_go {
            return tracing::warn!(concert.id = concert.0, "a sale could not be given away, and stays");
        }
        self.follow(concert, lane).await;
        shared.tables[lane].lose(concert);
        let claim = (shared.writers[lane], shared.sales.last_epoch(concert).unwrap_or_default());
        let given = tokio::select! {
            biased;
            given = shared.store.give_claim(concert, claim, clock.steady(), heir) => given,
            () = clock.run_out(limits::RELEASE_PATIENCE) => {
                Err(StoreError::Unreachable("the database did not answer in time".into()))
            }
        };
        shared.sales.may_be_loaded(concert);
        match given {
            Ok(()) => {
                self.exchange.gave(concert, heir);
                shared.metrics.moves.inc();
                let duration_ms = clock.steady().since(began).as_millis() as u64;
                tracing::info!(concert.id = concert.0, heir = heir.0, duration_ms, "a sale was given away");
            }
            // It is claimed here, and so it is loaded here again.
            Err(error) => tracing::warn!(
                concert.id = concert.0,
                error = &error as &dyn std::error::Error,
                "the claim of a sale could not be given away"
            ),
        }
    }
}
