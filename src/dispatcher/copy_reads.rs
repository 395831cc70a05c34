//! Reading copies of sales that other servers run in the database.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::copies::LoadedRows;
use super::running::copy_of;
use crate::domain::ids::ConcertId;
use crate::domain::rules::SaleRules;
use crate::domain::time::Timestamp;
use crate::fanout::SaleView;
use crate::limits;
use crate::store::{Missed, Store, StoreError};

/// Copies that are being read in the database.
#[derive(Default)]
pub(super) struct CopyReads {
    under_way: JoinSet<Read>,
}

pub(super) struct Read {
    pub concert: ConcertId,
    pub copy: Result<(Arc<SaleView>, LoadedRows), StoreError>,
}

impl CopyReads {
    /// A copy is read from now on, where the store's connections live.
    pub fn begin(&mut self, home: &Handle, read: impl Future<Output = Read> + Send + 'static) {
        self.under_way.spawn_on(read, home);
    }

    /// The next one that is read; never, if none is.
    pub async fn next(&mut self) -> Option<Read> {
        match self.under_way.join_next().await? {
            Ok(read) => Some(read),
            Err(broken) if broken.is_panic() => resume_unwind(broken.into_panic()),
            // The runtime, and with it the process, ends.
            Err(_) => None,
        }
    }
}

/// Reads a copy. Building a line of a million takes a while, and is done on no thread that serves others.
pub(super) async fn read(
    store: &dyn Store,
    concert: ConcertId,
    now: Timestamp,
    missed: Option<Missed>,
    defaults: SaleRules,
) -> Result<(Arc<SaleView>, LoadedRows), StoreError> {
    let loaded = store.load_copy(concert, now, missed.clone()).await?;
    let seats = loaded.sale.schedules.iter().map(|schedule| schedule.layout.seat_count()).sum::<usize>();
    let is_small = loaded.sale.tokens.len() + seats <= limits::SALE_BUILT_AT_ONCE_MAX;
    let build = move || {
        let rows = LoadedRows::of(&loaded, missed.as_ref());
        (copy_of(loaded.sale, rows.applied, defaults), rows)
    };
    match is_small {
        true => Ok(build()),
        false => tokio::task::spawn_blocking(build).await.map_err(|panic| StoreError::Broken(panic.into())),
    }
}
