//! The `frontrow` binary: reads its command line and does what it says.

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// Many small allocations of many connections: it gives memory back, and is faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain: what failed, and why.
            eprintln!("frontrow: {error:#}");
            ExitCode::FAILURE
        }
    }
}
