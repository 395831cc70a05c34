//! The log's way out of the process. Writing a line never fails and never waits: lines go through a bounded queue to a
//! thread of their own, and whatever becomes of stderr (a full disk, a pipe whose reader went away or stands still, a
//! terminal that is gone) costs lines of the log and nothing else. Those are counted.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait to be written: what a server says in the worst of seconds, a megabyte or two.
const LINES_WAITING_MAX: usize = 8_192;
/// The time for which the end of the process waits for its last lines to be written.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    /// Everything before it is written: the sender's end is dropped.
    Flush(SyncSender<()>),
}

/// The place where lines are put; cheap to clone.
#[derive(Clone)]
pub struct Lines {
    queue: SyncSender<Message>,
    lost: Counter,
}

/// Dropped at the end of the process, when everything was said: gives the last lines some time to be written.
pub struct Flush(SyncSender<Message>);

/// Writes lines to `sink` from now on, on a thread of its own. `lost` counts those that could not be written.
pub fn write_to(sink: impl Write + Send + 'static, lost: Counter) -> io::Result<(Lines, Flush)> {
    let (queue, messages) = sync_channel(LINES_WAITING_MAX);
    let failed = lost.clone();
    thread::Builder::new().name("log".to_owned()).spawn(move || write_all(sink, &messages, &failed))?;
    Ok((Lines { queue: queue.clone(), lost }, Flush(queue)))
}

fn write_all(mut sink: impl Write, messages: &Receiver<Message>, failed: &Counter) {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Line(line) => {
                if sink.write_all(&line).and_then(|()| sink.flush()).is_err() {
                    failed.inc();
                }
            }
            Message::Flush(written) => drop(written),
        }
    }
}

/// A panic goes into the log like everything else, instead of to stderr by itself, which may hang.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        tracing::error!(
            thread = thread.name().unwrap_or("?"),
            place = panic.location().map(tracing::field::display),
            "panicked: {}",
            panic.payload_as_str().unwrap_or("with something that is no text")
        );
    }));
}

impl Write for Lines {
    /// One call is one line, as the subscriber writes them.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(Message::Line(line.to_vec()))
        {
            self.lost.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let until = Instant::now() + FLUSH_PATIENCE;
        let (written, wait) = sync_channel(0);
        let mut message = Message::Flush(written);
        while let Err(TrySendError::Full(again)) = self.0.try_send(message) {
            if Instant::now() >= until {
                return;
            }
            message = again;
            thread::sleep(Duration::from_millis(5));
        }
        // Written, too late, or there is no writer any more: the process ends.
        let _ = wait.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing::subscriber::with_default;

    use super::*;

    /// A disk that is full, or a pipe that nobody reads any more.
    struct Failing;

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A pipe whose reader stands still until the other end of this channel is dropped.
    struct Hanging(Receiver<()>);

    impl Write for Hanging {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().extend(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A log like the server's.
    fn log(lines: Lines, count: usize) {
        let subscriber = tracing_subscriber::fmt().with_writer(lines).with_ansi(false).finish();
        with_default(subscriber, || (0..count).for_each(|number| tracing::warn!(number, "a line")));
    }

    #[test]
    fn lines_are_written_in_order_and_the_end_waits_for_the_last() {
        let (kept, lost) = (Kept::default(), Counter::default());
        let (lines, flush) = write_to(kept.clone(), lost.clone()).unwrap();
        log(lines, 1_000);
        drop(flush);
        let written = String::from_utf8(kept.0.lock().clone()).unwrap();
        let numbers = written.lines().map(|line| line.rsplit_once('=').unwrap().1.parse::<usize>().unwrap());
        assert!(numbers.eq(0..1_000), "{written}");
        assert_eq!(lost.get(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_hurts_nobody() {
        let lost = Counter::default();
        let (lines, flush) = write_to(Failing, lost.clone()).unwrap();
        log(lines, 100);
        drop(flush);
        assert_eq!(lost.get(), 100);
    }

    #[test]
    fn nobody_waits_for_a_reader_that_stands_still() {
        let (go_on, hang) = sync_channel(0);
        let lost = Counter::default();
        let (lines, _flush) = write_to(Hanging(hang), lost.clone()).unwrap();
        log(lines, 3 * LINES_WAITING_MAX);
        // One may be in the writer's hands.
        let kept = LINES_WAITING_MAX as u64;
        assert!((2 * kept - 1..=2 * kept).contains(&lost.get()), "{}", lost.get());
        drop(go_on);
    }
}
