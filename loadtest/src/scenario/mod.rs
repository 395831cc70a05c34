//! The scenarios. One file each: its options, its fans, its figures.

pub mod admission;
pub mod bare_loop;
pub mod baseline;
pub mod call_off;
pub mod crash;
pub mod fanout;
pub mod gateways;
pub mod holds;
pub mod idle;
pub mod joins;
pub mod journeys;
pub mod line;
pub mod onsale;
pub mod prices;
pub mod soak;
pub mod storm;

use std::rc::Rc;
use std::time::{Duration, Instant};

use frontrow_crowd::crew::{Crew, Worker};
use frontrow_crowd::fan::{Credential, Fan, Trouble};
use frontrow_crowd::record::Op;
use frontrow_crowd::tokens::Tokens;

use crate::run::Run;

/// The time that fans may take to get ready, however many they are.
const READY_PATIENCE: Duration = Duration::from_secs(300);

/// Plays one fan for each number below `fans`, all at once, and notes why one could not play to the end. `stage` makes what
/// the fans of one thread share.
fn play<S, F>(
    run: &Run,
    fans: usize,
    stage: impl Fn() -> S + Clone + Send + 'static,
    fan: F,
) -> anyhow::Result<Crew>
where
    S: 'static,
    F: AsyncFn(&Rc<Worker>, &S, usize) -> Result<(), Trouble> + Clone + Send + 'static,
{
    run.crew(move |worker| {
        let (stage, fan) = (Rc::new(stage()), fan.clone());
        async move {
            let one = |worker: Rc<Worker>, number| {
                let (stage, fan) = (stage.clone(), fan.clone());
                async move { worker.note_end(number, fan(&worker, &stage, number).await) }
            };
            worker.play(worker.share(fans), one).await;
            anyhow::Ok(())
        }
    })
}

/// Opens a user's websocket, not more of them at once than the worker likes.
async fn open(worker: &Rc<Worker>, tokens: &Tokens, user: usize) -> Result<Fan, Trouble> {
    // The semaphore is never closed.
    let _permit = worker.connecting.acquire().await;
    let credential = Credential::Access(tokens.get(user).into());
    Fan::connect(&worker.target(), &credential, &worker.stats, Op::Connect, Instant::now()).await
}

/// Opens a connection, then joins the line.
async fn open_and_join(
    worker: &Rc<Worker>,
    tokens: &Tokens,
    user: usize,
    concert: u32,
) -> Result<Fan, Trouble> {
    let mut fan = open(worker, tokens, user).await?;
    fan.join(concert, Instant::now()).await?;
    Ok(fan)
}
