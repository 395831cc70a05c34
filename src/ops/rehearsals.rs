//! The one rehearsal that there may be at a time, for all servers of a database, and taking away what is left of it.
//!
//! Always: whoever makes, plays or takes away a rehearsal has the duty for it. What a server that was killed left is found by
//! its rows, when the next server starts or another one looks. Not here: who plays it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, OwnedMutexGuard};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::dispatcher::Dispatcher;
use crate::store::rehearsals::{Cleared, StoredRehearsal};
use crate::store::{self, Rehearsals, Store, StoreError, WriterId};

const DUTY: &str = "rehearsal";
/// The duty is another's so long after its holder was heard of last.
pub const DUTY_LASTS: Duration = Duration::from_secs(30);
/// Whoever has the duty says so again after this.
pub const DUTY_AGAIN: Duration = Duration::from_secs(10);
/// Remains of another server's are looked for so often; those of our own are known.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// What could not be taken away is tried again after this.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// Rows that are taken away in one transaction: a few milliseconds in which an embedded database commits no batch.
const ROWS_AT_ONCE: u32 = 500;
/// The least pause between two transactions. Others have their turn for as long as one took, and no less than this.
const PAUSE_MIN: Duration = Duration::from_millis(10);

pub struct Stage {
    store: Arc<dyn Store>,
    dispatcher: Dispatcher,
    clock: Clock,
    /// Who we are among those who have the duty.
    holder: WriterId,
    turn: Arc<Mutex<()>>,
    left: Notify,
}

/// The stage is ours, as far as this process is concerned, until this is dropped.
pub struct Entered {
    _turn: OwnedMutexGuard<()>,
}

impl Stage {
    pub fn new(store: Arc<dyn Store>, dispatcher: Dispatcher, clock: Clock) -> Self {
        let (turn, left) = (Arc::default(), Notify::new());
        Self { store, dispatcher, clock, holder: WriterId(store::random_id()), turn, left }
    }

    /// `None`: there is a rehearsal already, here or at another server.
    pub async fn enter(&self) -> Result<Option<Entered>, StoreError> {
        let Ok(turn) = self.turn.clone().try_lock_owned() else { return Ok(None) };
        Ok(self.keep().await?.then_some(Entered { _turn: turn }))
    }

    /// Takes the duty, or says that we have it still. `false`: another server has it.
    pub async fn keep(&self) -> Result<bool, StoreError> {
        let Some(duties) = self.store.duties() else { return Ok(true) };
        let (now, lasts) = match self.store.is_embedded() {
            // The lock of the data folder says that no other server is there: whoever had it is gone, however long it was to
            // last.
            true => (self.clock.utc() + DUTY_LASTS, Duration::ZERO),
            false => (self.clock.utc(), DUTY_LASTS),
        };
        duties.take_duty(DUTY, self.holder, now, lasts).await
    }

    /// There is something to be taken away.
    pub fn look_again(&self) {
        self.left.notify_one();
    }

    /// The end of a rehearsal: what is left of it is taken away.
    pub async fn leave(&self, entered: Entered) {
        let is_clear = match self.clear().await {
            Ok(()) => true,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a rehearsal could not be taken away; it is tried again");
                false
            }
        };
        if let Some(duties) = self.store.duties()
            && let Err(error) = duties.leave_duty(DUTY, self.holder).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the duty could not be left");
        }
        drop(entered);
        if !is_clear {
            self.left.notify_one();
        }
    }

    /// Takes away what servers have left that were killed, for ever.
    pub async fn run(&self) {
        let Some(store) = self.store.rehearsals() else { return };
        loop {
            let wait = match self.look(store).await {
                Ok(true) => LOOK_INTERVAL,
                Ok(false) => TRY_AGAIN,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "could not look for what is left of rehearsals");
                    TRY_AGAIN
                }
            };
            let next = self.clock.steady() + wait;
            tokio::select! {
                () = self.clock.sleep_until(next) => {}
                () = self.left.notified() => {}
            }
        }
    }

    /// `false`: there is something that is to be looked at again soon.
    async fn look(&self, store: &dyn Rehearsals) -> Result<bool, StoreError> {
        if store.rehearsals().await?.is_empty() {
            return Ok(true);
        }
        let Ok(turn) = self.turn.clone().try_lock_owned() else { return Ok(true) };
        if !self.keep().await? {
            return Ok(false);
        }
        self.leave(Entered { _turn: turn }).await;
        Ok(store.rehearsals().await?.is_empty())
    }

    /// Takes away every rehearsal that there are rows of. The duty is ours, so none of them is another's.
    async fn clear(&self) -> Result<(), StoreError> {
        let Some(store) = self.store.rehearsals() else { return Ok(()) };
        for rehearsal in store.rehearsals().await? {
            self.clear_one(store, rehearsal).await?;
        }
        Ok(())
    }

    async fn clear_one(&self, store: &dyn Rehearsals, rehearsal: StoredRehearsal) -> Result<(), StoreError> {
        let concert = rehearsal.concert;
        if self.dispatcher.is_rehearsal(concert) && self.dispatcher.dismiss(concert).await.is_err() {
            return Err(StoreError::broken(format!("the lane of rehearsal {concert} does not let it go")));
        }
        store.end_rehearsal(rehearsal, self.clock.utc(), None).await?;
        let mut said = Instant::now();
        loop {
            let began = Instant::now();
            if store.clear_rehearsal(concert, ROWS_AT_ONCE).await? == Cleared::All {
                break;
            }
            tokio::time::sleep(began.elapsed().max(PAUSE_MIN)).await;
            if said.elapsed() >= DUTY_AGAIN {
                said = Instant::now();
                if !self.keep().await? {
                    return Err(StoreError::broken("another server takes rehearsals away"));
                }
            }
        }
        tracing::info!(concert.id = concert.0, of = rehearsal.of.0, "a rehearsal was taken away");
        Ok(())
    }
}
