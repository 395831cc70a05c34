//! A concert's own page, as data and for the head of a shared link.
//!
//! Always: however many ask at the moment when a sale is announced, what it says is put together once every two seconds.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use frontrow_protocol::ErrorObject;
use frontrow_protocol::about::About;
use parking_lot::Mutex;

use super::reply::Fixed;
use crate::desk::{Context, translate};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;
use crate::fanout::SaleView;

/// What anybody sees is so old at most.
const KEPT: Duration = Duration::from_secs(2);

/// What a concert's page said last.
pub struct Page {
    made_at: Timestamp,
    pub about: About,
    pub document: Fixed,
}

/// The pages of concerts, as many as there are concerts.
#[derive(Default)]
pub struct Pages {
    made: DashMap<ConcertId, Arc<Mutex<Option<Arc<Page>>>>>,
}

impl Pages {
    pub fn of(&self, context: &Context, concert: ConcertId) -> Result<Arc<Page>, ErrorObject> {
        let view = context.fanout.sale(concert).ok_or_else(ErrorObject::concert_not_found)?;
        let cell = self.made.entry(concert).or_default().clone();
        // Whoever comes meanwhile waits for this one, a millisecond, instead of making another.
        let mut made = cell.lock();
        let now = context.clock.utc();
        if let Some(page) = &*made
            && page.made_at <= now
            && now < page.made_at + KEPT
        {
            return Ok(page.clone());
        }
        let about = about(&view);
        let document = translate::concert_page(&view, about.clone(), now);
        let document = serde_json::to_vec(&document).map_err(|_| ErrorObject::internal())?;
        let document = Fixed::new("application/json", &document);
        let page = Arc::new(Page { made_at: now, about, document });
        *made = Some(page.clone());
        Ok(page)
    }
}

/// Texts that cannot be read, of a newer server, are left out: the rest of the page is there all the same.
fn about(view: &SaleView) -> About {
    let concert = view.concert();
    let read = concert.about.as_deref().map(serde_json::from_str).transpose();
    read.unwrap_or_else(|error| {
        tracing::warn!(concert.id = concert.id.0, %error, "a concert's texts cannot be read");
        None
    })
    .unwrap_or_default()
}
