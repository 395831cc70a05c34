//! `frontrow venue generate`: a made-up seating plan of any size.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use frontrow::venue::{self, Shape};

use super::print_text;

#[derive(Subcommand)]
pub enum Venue {
    /// Print a seating plan with exactly so many seats, in the format that `frontrow import` reads.
    Generate {
        #[arg(long, value_name = "N")]
        seats: usize,
        /// hall, arena or stadium.
        #[arg(long, default_value = "hall")]
        shape: Shape,
        /// A file instead of stdout.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Venue {
    pub fn run(self) -> anyhow::Result<()> {
        let Self::Generate { seats, shape, output } = self;
        let plan = format!("{}\n", venue::generate(seats, shape)?);
        match output {
            Some(path) => {
                std::fs::write(&path, plan).with_context(|| format!("could not write {}", path.display()))
            }
            None => print_text(&plan),
        }
    }
}
