//! Reads of paid orders, for those who give their money back.

use async_trait::async_trait;

use super::backend::{Backend, close};
use super::{OrderToRefund, StoreError, query};
use crate::domain::ids::{ConcertId, ReservationId, ScheduleId};
use crate::domain::record::Reservation;

#[async_trait]
pub trait Orders: Send + Sync + 'static {
    /// Paid orders of a performance, by their ids, from the one behind `after` on.
    async fn orders_to_refund(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        after: ReservationId,
        max: u32,
    ) -> Result<Vec<OrderToRefund>, StoreError>;

    /// A reservation with its payment, whatever became of it.
    async fn order(&self, id: ReservationId) -> Result<Option<Reservation>, StoreError>;

    /// Is everything of this concert over, so that nobody runs its sale any more?
    async fn is_archived(&self, concert: ConcertId) -> Result<bool, StoreError>;
}

#[async_trait]
impl<B: Backend> Orders for B {
    async fn orders_to_refund(
        &self,
        concert: ConcertId,
        schedule: ScheduleId,
        after: ReservationId,
        max: u32,
    ) -> Result<Vec<OrderToRefund>, StoreError> {
        query::orders_to_refund(&mut *self.reader().await?, concert, schedule, after, max).await
    }

    async fn order(&self, id: ReservationId) -> Result<Option<Reservation>, StoreError> {
        let mut view = self.view().await?;
        let order = query::order(&mut *view, id).await?;
        close::<B>(view).await?;
        Ok(order)
    }

    async fn is_archived(&self, concert: ConcertId) -> Result<bool, StoreError> {
        query::is_archived(&mut *self.reader().await?, concert).await
    }
}
