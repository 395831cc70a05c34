//! Whole lives of the server in a world where everything fails: processes over a simulated store that hangs, loses
//! commits and dies at any step, fans whose connections break, a clock turned by hand. A seed is a life; the same
//! seed is the same life, to the letter.
//!
//! `FRONTROW_SIMULATE=from..to` runs these seeds instead of the usual ones.

mod device;
mod fans;
mod hear;
mod model;
mod processes;
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

/// Seeds of an ordinary test run.
const SEEDS: Range<u64> = 0..100;
/// One seed of so many is lived twice.
const TWICE: u64 = 10;

#[test]
fn whatever_fails_what_was_told_is_so() {
    let seeds = std::env::var("FRONTROW_SIMULATE").map_or(SEEDS, |range| {
        let (from, to) = range.split_once("..").expect("FRONTROW_SIMULATE is a range: 0..1000");
        from.parse().expect("a seed is a number")..to.parse().expect("a seed is a number")
    });
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = live(seed);
                    sum.lock().add(report);
                }
            });
        }
    });
    let sum = sum.into_inner();
    println!("{} seeds, {} steps, {} batches", sum.seeds, sum.steps, sum.batches);
    for (fault, count) in &sum.faults {
        println!("{count:>9}  {fault}");
    }
}

#[derive(Default)]
struct Sum {
    seeds: u64,
    steps: usize,
    batches: usize,
    faults: BTreeMap<String, u64>,
}

impl Sum {
    fn add(&mut self, report: Report) {
        self.seeds += 1;
        self.steps += report.steps;
        self.batches += report.batches;
        for (fault, count) in report.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

fn live(seed: u64) -> Report {
    let (first, second) = (Arc::default(), Arc::default());
    let report = live_once(seed, &first);
    if seed % TWICE == 0 && live_once(seed, &second).digest != report.digest {
        let (first, second) = (first.lock(), second.lock());
        let differ = first.lines().zip(second.lines()).find(|(one, other)| one != other);
        panic!("seed {seed} is not the same life twice: {differ:#?}");
    }
    report
}

fn live_once(seed: u64, trace: &Arc<Mutex<Trace>>) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime can be made");
    let life =
        AssertUnwindSafe(|| runtime.block_on(async { World::new(seed, trace.clone()).await.run().await }));
    match catch_unwind(life) {
        Ok(report) => report,
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without words");
            panic!(
                "seed {seed}: {what}\nwhat led to it:\n{}\nagain: FRONTROW_SIMULATE={seed}..{} cargo test --test simulation",
                trace.lock().tail(),
                seed + 1
            );
        }
    }
}
