//! The tasks that must live for as long as the server does: lanes, recovery, wheels, the rounds of seats. A panic in
//! one of them is a fault of ours that ends only this task, and the server would go on without it, looking well.
//!
//! Always: such an end is noticed, logged and counted; the task is begun again, and if it ends too often the server
//! ends, so that whoever runs it starts it afresh. Until it runs again it is named by `/readyz`.

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::metrics::Metrics;

/// A task that ended so often within `ENDS_WINDOW` does not come to itself.
const ENDS_MAX: usize = 10;
const ENDS_WINDOW: Duration = Duration::from_secs(60);
/// The cause of its end is given some time to go away.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Supervisor {
    metrics: Arc<Metrics>,
    down: Mutex<BTreeSet<String>>,
    /// The task that could not be kept alive.
    failed: watch::Sender<Option<String>>,
}

/// One task's ends lately.
#[derive(Default)]
pub struct Ends(VecDeque<Instant>);

impl Supervisor {
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { metrics, down: Mutex::default(), failed: watch::Sender::default() })
    }

    /// Runs what `begin` gives until it returns, and begins it again as often as it panics.
    pub fn keep<F>(
        self: &Arc<Self>,
        home: &Handle,
        name: impl Into<String>,
        mut begin: impl FnMut() -> F + Send + 'static,
    ) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (supervisor, name) = (self.clone(), name.into());
        home.spawn(async move {
            let mut ends = Ends::default();
            while let Err(panic) = AssertUnwindSafe(begin()).catch_unwind().await {
                if !supervisor.ended(&name, panic, &mut ends).await {
                    return;
                }
                supervisor.is_up(&name);
            }
        })
    }

    /// A task panicked. `true`: it may be begun again, and says by `is_up` that it was.
    pub async fn ended(&self, name: &str, panic: Box<dyn Any + Send>, ends: &mut Ends) -> bool {
        self.down.lock().insert(name.to_owned());
        self.metrics.task_ends.inc();
        tracing::error!(task = name, panic = text_of(&*panic), "a task that must live has ended");
        let now = Instant::now();
        ends.0.retain(|end| now.duration_since(*end) < ENDS_WINDOW);
        ends.0.push_back(now);
        if ends.0.len() > ENDS_MAX {
            self.fail(name);
            return false;
        }
        tokio::time::sleep(PAUSE).await;
        true
    }

    /// The task runs again.
    pub fn is_up(&self, name: &str) {
        self.down.lock().remove(name);
        tracing::warn!(task = name, "a task that had ended runs again");
    }

    /// A task is gone for good: the server has to end.
    pub fn fail(&self, name: &str) {
        self.down.lock().insert(name.to_owned());
        tracing::error!(task = name, "a task that must live cannot be kept alive: the server ends");
        self.failed.send_replace(Some(name.to_owned()));
    }

    /// The tasks that do not run now.
    pub fn down(&self) -> Vec<String> {
        self.down.lock().iter().cloned().collect()
    }

    /// Resolves with the task that could not be kept alive.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.subscribe();
        // The sender lives as long as `self`.
        let name = failed.wait_for(Option::is_some).await.ok().and_then(|name| name.clone());
        name.unwrap_or_default()
    }
}

/// The message of a panic.
pub fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("with something that is no text")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn supervisor() -> (Arc<Supervisor>, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new());
        (Supervisor::new(metrics.clone()), metrics)
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_begun_again_and_named_meanwhile() {
        let (supervisor, metrics) = supervisor();
        let begun = Arc::new(AtomicUsize::new(0));
        let task = supervisor.keep(&Handle::current(), "wheel", {
            let begun = begun.clone();
            move || {
                let turn = begun.fetch_add(1, Ordering::Relaxed);
                async move { assert!(turn >= 2, "turn {turn}") }
            }
        });
        while supervisor.down().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(supervisor.down(), ["wheel"]);
        task.await.unwrap();
        assert_eq!(supervisor.down(), Vec::<String>::new());
        assert_eq!((begun.load(Ordering::Relaxed), metrics.task_ends.get()), (3, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_come_to_itself_ends_the_server() {
        let (supervisor, metrics) = supervisor();
        let task = supervisor.keep(&Handle::current(), "wheel", || async { panic!("again") });
        assert_eq!(supervisor.failed().await, "wheel");
        task.await.unwrap();
        assert_eq!(supervisor.down(), ["wheel"]);
        assert_eq!(metrics.task_ends.get(), ENDS_MAX as u64 + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_that_are_far_apart_are_no_reason_to_give_up() {
        let (supervisor, _) = supervisor();
        let mut ends = Ends::default();
        for _ in 0..3 * ENDS_MAX {
            assert!(supervisor.ended("lane 0", Box::new("a bug"), &mut ends).await);
            supervisor.is_up("lane 0");
            tokio::time::advance(ENDS_WINDOW / ENDS_MAX as u32).await;
        }
    }
}
