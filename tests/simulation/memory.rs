//! The memory that a lane decides by is whole after each batch, and the copies that readers are answered from say the
//! same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use frontrow::dispatcher::Witness;
use frontrow::domain::ids::EntryNo;
use frontrow::domain::record::TokenRecord;
use frontrow::domain::sale::Sale;
use frontrow::domain::time::Now;
use frontrow::fanout::{SaleView, SeatCounts};
use parking_lot::Mutex;

/// The findings about the memory of all processes.
#[derive(Default)]
pub struct Memory {
    places: AtomicU64,
    /// The first thing that was not as it should be.
    broken: Mutex<Option<String>>,
}

impl Memory {
    pub fn witness(self: &Arc<Self>) -> Witness {
        let memory = self.clone();
        Witness::new(move |sale, view, now| {
            let looked = catch_unwind(AssertUnwindSafe(|| memory.look(sale, view, now)));
            if let Err(panic) = looked {
                let what = panic.downcast_ref::<String>().map(String::as_str);
                let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
                let sale = sale.concert();
                memory.broken.lock().get_or_insert_with(|| format!("memory of sale {sale}: {what}"));
            }
        })
    }

    /// The number of places that the lanes and the readers' copies agreed about.
    pub fn places(&self) -> u64 {
        self.places.load(Ordering::Relaxed)
    }

    /// # Panics
    /// Says what was wrong.
    pub fn prove_whole(&self) {
        if let Some(broken) = &*self.broken.lock() {
            panic!("{broken}");
        }
    }

    fn look(&self, sale: &Sale, view: &SaleView, now: Now) {
        sale.check();
        assert_eq!(view.settings(), *sale.settings());
        assert_eq!(view.rules(), *sale.rules());
        assert_eq!(view.waiting(), sale.waiting());
        assert_eq!(view.is_visited(), sale.waiting() + sale.progress() > 0);
        for topic in view.topics() {
            let schedule = topic.schedule().id;
            let seats = sale.seats_of(schedule).expect("readers see the sale's performances");
            let counts = SeatCounts {
                available: seats.available(),
                held: seats.held(),
                sold: seats.sold(),
                restricted: seats.restricted(),
            };
            assert_eq!(topic.counts(), counts, "{schedule}");
            let told = topic.schedule();
            assert_eq!((told.starts_at, told.state), (seats.starts_at(), seats.state()), "{schedule}");
        }
        for record in sale.live_tokens_from(EntryNo(0)) {
            self.compare_places(&record, sale, view, now);
        }
    }

    fn compare_places(&self, record: &TokenRecord, sale: &Sale, view: &SaleView, now: Now) {
        let own = sale.place_of_user(record.user, now).expect("a live token has its place");
        let mut read = view.place(record, now);
        // The lane alone knows when somebody was active since their admission.
        assert!(own.idle_at >= read.idle_at, "{own:?}, but readers have {read:?}");
        read.idle_at = own.idle_at;
        assert_eq!(own, read, "a place as the lane and as readers have it");
        self.places.fetch_add(1, Ordering::Relaxed);
    }
}
