//! A witness looks at the memory of sales while they run: the simulation checks with it after each batch that it is whole.

use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::domain::sale::Sale;
use crate::domain::time::Now;
use crate::fanout::SaleView;

/// A function that is called after each batch with every sale of its lane of which nothing is decided ahead: with the memory
/// that the lane decides by and the copy that readers are answered from, both as they were committed.
#[derive(Clone)]
pub struct Witness(Arc<Look>);

type Look = dyn Fn(&Sale, &SaleView, Now) + Send + Sync;

impl Witness {
    pub fn new(look: impl Fn(&Sale, &SaleView, Now) + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    pub(super) fn look(&self, sale: &Sale, view: &SaleView, now: Now) {
        (self.0)(sale, view, now);
    }
}

impl Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}
