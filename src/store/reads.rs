//! Reads of the store beside its sales' lanes.

use async_trait::async_trait;

use super::archive::Archive;
use super::backend::{Backend, close};
use super::{
    AuditReport, Behind, JournalRow, StoreError, StoredTicket, SweepPage, SweepRows, UserRecord, audit, query,
};
use crate::domain::ids::{ConcertId, HistoryId, ScheduleId, SeatId, UserId};
use crate::domain::record::{LedgerEntry, Reservation, TokenRecord};
use crate::domain::seat_plan::Money;

/// Reads, which change nothing. They see everything that was committed before they began.
#[async_trait]
pub trait Reads: Send + Sync + 'static {
    async fn user(&self, user: UserId) -> Result<Option<UserRecord>, StoreError>;

    async fn balance(&self, user: UserId) -> Result<Option<Money>, StoreError>;

    /// A user's ledger, newest first, only entries older than `before` if given.
    async fn history(
        &self,
        user: UserId,
        before: Option<HistoryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// A user's reservations in all sales, newest first, at most `limits::RESERVATIONS_LISTED_MAX`.
    async fn reservations(&self, user: UserId) -> Result<Vec<Reservation>, StoreError>;

    /// A user's valid tickets (those of payments that are done) in all sales, newest first, at most
    /// `limits::TICKETS_LISTED_MAX`.
    async fn tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError>;

    /// The tickets of a user's cancelled orders, newest first.
    async fn cancelled_tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError>;

    /// The newest token of the user in each sale that they ever joined, the newest first, at most 100.
    async fn last_tokens(&self, user: UserId) -> Result<Vec<TokenRecord>, StoreError>;

    /// Every concert but rehearsals, in ascending order.
    async fn concerts(&self) -> Result<Vec<ConcertId>, StoreError>;

    /// None of a rehearsal.
    async fn concert_of_schedule(&self, schedule: ScheduleId) -> Result<Option<ConcertId>, StoreError>;

    async fn seat_label(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seat: SeatId,
    ) -> Result<Option<String>, StoreError>;

    /// A sale's journal from place `from` on, at most `rows_max` rows.
    async fn journal(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<Vec<JournalRow>, StoreError>;

    /// The sales whose rows do not have all of their journal.
    async fn behind(&self) -> Result<Vec<Behind>, StoreError>;

    /// Some rows of a sale, all as of one place in its journal, to be compared with its memory.
    async fn sweep(&self, page: &SweepPage) -> Result<SweepRows, StoreError>;

    /// Proves or refutes the invariants from the stored rows alone. Empty: everything fits.
    async fn audit(&self) -> Result<AuditReport, StoreError> {
        self.audit_with(None).await
    }

    /// The same, with the rows of the journal that were moved into files.
    async fn audit_with(&self, archive: Option<&Archive>) -> Result<AuditReport, StoreError>;
}

#[async_trait]
impl<B: Backend> Reads for B {
    async fn user(&self, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        query::user(&mut *self.reader().await?, user).await
    }

    async fn balance(&self, user: UserId) -> Result<Option<Money>, StoreError> {
        query::balance(&mut *self.reader().await?, user).await
    }

    async fn history(
        &self,
        user: UserId,
        before: Option<HistoryId>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        query::history(&mut *self.reader().await?, user, before, limit).await
    }

    async fn reservations(&self, user: UserId) -> Result<Vec<Reservation>, StoreError> {
        let mut view = self.view().await?;
        let reservations = query::reservations(&mut *view, user).await?;
        close::<B>(view).await?;
        Ok(reservations)
    }

    async fn tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        query::tickets(&mut *self.reader().await?, user).await
    }

    async fn cancelled_tickets(&self, user: UserId) -> Result<Vec<StoredTicket>, StoreError> {
        query::cancelled_tickets(&mut *self.reader().await?, user).await
    }

    async fn last_tokens(&self, user: UserId) -> Result<Vec<TokenRecord>, StoreError> {
        query::last_tokens(&mut *self.reader().await?, user).await
    }

    async fn concerts(&self) -> Result<Vec<ConcertId>, StoreError> {
        query::concerts(&mut *self.reader().await?).await
    }

    async fn concert_of_schedule(&self, schedule: ScheduleId) -> Result<Option<ConcertId>, StoreError> {
        query::concert_of_schedule(&mut *self.reader().await?, schedule).await
    }

    async fn seat_label(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        seat: SeatId,
    ) -> Result<Option<String>, StoreError> {
        query::seat_label(&mut *self.reader().await?, concert, schedule, seat).await
    }

    async fn journal(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        query::journal(&mut *self.reader().await?, concert, from, rows_max).await
    }

    async fn behind(&self) -> Result<Vec<Behind>, StoreError> {
        query::behind(&mut *self.reader().await?).await
    }

    async fn sweep(&self, page: &SweepPage) -> Result<SweepRows, StoreError> {
        let mut view = self.view().await?;
        let rows = query::sweep(&mut *view, page).await?;
        close::<B>(view).await?;
        Ok(rows)
    }

    async fn audit_with(&self, archive: Option<&Archive>) -> Result<AuditReport, StoreError> {
        let mut view = self.view().await?;
        let report = audit::run(&mut *view, archive).await?;
        close::<B>(view).await?;
        Ok(report)
    }
}
