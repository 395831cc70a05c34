//! The `frontrow` binary: reads its command line and does what it says.

mod cli;

use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime;

/// Many small allocations of many connections: it gives memory back, and is faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The lanes have threads of their own: one processor is theirs, the others are the connections'. More threads than
    // processors would only take turns.
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = processors.saturating_sub(1).max(1);
    let runtime = runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let runtime = runtime.expect("the system has a thread for each processor");
    match runtime.block_on(cli::Cli::parse().run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain: what failed, and why. If nobody reads it, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "frontrow: {error:#}");
            ExitCode::FAILURE
        }
    }
}
