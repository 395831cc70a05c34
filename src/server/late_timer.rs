//! hyper's clock for how long a client may take. A process that was stopped (SIGSTOP, a debugger, a machine that is moved)
//! finds its timers over when it goes on, and that before it looks at its sockets, for which the kernel interrupts its
//! first look. A client that sent a request meanwhile is not to be hung up on, so what is over counts only a moment later.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;

/// Enough to look at every socket once.
const MOMENT: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, Default)]
pub(super) struct LateTimer(TokioTimer);

struct LateSleep {
    sleep: Pin<Box<dyn Sleep>>,
    is_over: bool,
}

impl Timer for LateTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(LateSleep { sleep: self.0.sleep(duration), is_over: false })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(LateSleep { sleep: self.0.sleep_until(deadline), is_over: false })
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl Future for LateSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if std::mem::replace(&mut self.is_over, true) {
            return Poll::Ready(());
        }
        self.sleep = TokioTimer::new().sleep(MOMENT);
        self.sleep.as_mut().poll(cx)
    }
}

impl Sleep for LateSleep {}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_long_over_counts_a_moment_after_it_was_noticed() {
        let patience = Duration::from_secs(10);
        let timer = LateTimer::default();
        let mut sleep = timer.sleep_until(timer.now() + patience);
        assert!(poll!(sleep.as_mut()).is_pending());
        // Stopped for an hour.
        tokio::time::advance(360 * patience).await;
        assert!(poll!(sleep.as_mut()).is_pending());
        tokio::time::advance(2 * MOMENT).await;
        assert!(poll!(sleep.as_mut()).is_ready());
    }
}
