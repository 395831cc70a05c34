//! Whole lives of the server in a world where everything fails: processes over a simulated store that hangs, loses
//! commits and dies at any step, fans whose connections break, a clock turned by hand. A seed is a life; the same
//! seed is the same life, to the letter.
//!
//! `FRONTROW_SIMULATE=from..to` lives these seeds instead of the usual ones; `scripts/simulate` does so for as many as one
//! likes.

mod device;
mod fans;
mod memory;
mod model;
mod processes;
mod receive;
mod trace;
mod whole;
mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use trace::Trace;
use world::{Report, World};

/// Seeds of an ordinary test run: about a minute of two processors when nothing is optimised.
const SEEDS: Range<u64> = 0..1_000;
/// One seed of so many is lived twice: that the same seed is the same life does not depend on the seed.
const TWICE: u64 = 10;
/// Fewer than these are somebody's who looks at them: each is lived twice.
const FEW: u64 = 100;
/// The number of broken lives that are enough to look at.
const BROKEN_MAX: usize = 5;

#[test]
fn whatever_fails_what_was_received_is_so() {
    let asked_for = std::env::var("FRONTROW_SIMULATE").ok().map(|range| {
        let (from, to) = range.split_once("..").expect("FRONTROW_SIMULATE is a range: 0..1000");
        from.parse().expect("a seed is a number")..to.parse().expect("a seed is a number")
    });
    // Panics on purpose are no news.
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|what| what.contains("a bug that was asked for")) {
            say(panic);
        }
    }));
    let seeds = asked_for.unwrap_or(SEEDS);
    let twice = if seeds.end - seeds.start < FEW { 1 } else { TWICE };
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || sum.lock().broken.len() >= BROKEN_MAX {
                        return;
                    }
                    let life = live(seed, seed.is_multiple_of(twice));
                    sum.lock().add(seed, life);
                }
            });
        }
    });
    sum.into_inner().print();
}

#[derive(Default)]
struct Sum {
    seeds: u64,
    steps: usize,
    batches: usize,
    faults: BTreeMap<String, u64>,
    found: u64,
    ahead: u64,
    places: u64,
    /// The message of each life that broke.
    broken: BTreeMap<u64, String>,
}

impl Sum {
    fn add(&mut self, seed: u64, life: Result<Report, String>) {
        self.seeds += 1;
        match life {
            Err(broken) => drop(self.broken.insert(seed, broken)),
            Ok(report) => {
                self.steps += report.steps;
                self.batches += report.batches;
                self.found += report.found;
                self.ahead += report.ahead;
                self.places += report.places;
                for (fault, count) in report.faults {
                    *self.faults.entry(fault).or_default() += count;
                }
            }
        }
    }

    /// Says what was lived through, and fails if a life broke.
    fn print(self) {
        let kinds = self.faults.len();
        println!(
            "{} seeds, {} steps, {} batches, {kinds} kinds of faults",
            self.seeds, self.steps, self.batches
        );
        for (fault, count) in &self.faults {
            println!("{count:>9}  {fault}");
        }
        println!("{} differences found by sweeps, {} commands decided ahead", self.found, self.ahead);
        println!("{} places compared, as lanes and as readers have them", self.places);
        assert!(self.ahead > 0 || self.seeds < 100, "nothing is ever decided on top of a batch in flight");
        assert!(self.places > 0 || self.seeds < 100, "nobody ever compares the readers' copies");
        let broken: Vec<u64> = self.broken.keys().copied().collect();
        if let Some((seed, what)) = self.broken.into_iter().next() {
            panic!(
                "seed {seed}: {what}\nbroken seeds: {broken:?}\n\
                 again: FRONTROW_SIMULATE={seed}..{} cargo test --test simulation",
                seed + 1
            );
        }
    }
}

fn live(seed: u64, twice: bool) -> Result<Report, String> {
    let (first, second) = (Arc::default(), Arc::default());
    let report = live_once(seed, &first)?;
    if twice && live_once(seed, &second)?.digest != report.digest {
        let (first, second) = (first.lock(), second.lock());
        let differ = first.lines().zip(second.lines()).find(|(one, other)| one != other);
        return Err(format!("it is not the same life twice: {differ:#?}"));
    }
    Ok(report)
}

fn live_once(seed: u64, trace: &Arc<Mutex<Trace>>) -> Result<Report, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime can be made");
    let life =
        AssertUnwindSafe(|| runtime.block_on(async { World::new(seed, trace.clone()).await.run().await }));
    catch_unwind(life).map_err(|panic| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        format!("{what}\nwhat led to it:\n{}", trace.lock().tail())
    })
}
