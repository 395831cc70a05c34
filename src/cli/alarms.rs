//! `frontrow alarms`: what is wrong at a running server, and what was.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::json;

use super::client::ServerArgs;
use super::print_json;

#[derive(Args)]
pub struct Alarms {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// List what goes on, oldest first, and what is over, newest first.
    List {
        /// Of those that are over, only older ones than this.
        #[arg(long, value_name = "ALARM")]
        before: Option<u64>,
        /// The most of those that are over.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Say that you have seen an alarm; who said so first stays.
    Seen {
        #[arg(value_name = "ALARM")]
        id: u64,
    },
    /// End an alarm, for one whose server is gone. What is still wrong is raised anew.
    End {
        #[arg(value_name = "ALARM")]
        id: u64,
    },
}

impl Alarms {
    pub async fn run(self) -> anyhow::Result<()> {
        let path = "/api/v1/admin/alarms";
        let answer = match self.call {
            Call::List { before, limit } => {
                let before = before.map(|before| format!("before={before}"));
                let limit = limit.map(|limit| format!("limit={limit}"));
                let asked: Vec<_> = before.into_iter().chain(limit).collect();
                self.server.call(Method::GET, &format!("{path}?{}", asked.join("&")), None).await
            }
            Call::Seen { id } => {
                self.server.call(Method::POST, &format!("{path}/{id}/seen"), Some(&json!({}))).await
            }
            Call::End { id } => {
                self.server.call(Method::POST, &format!("{path}/{id}/end"), Some(&json!({}))).await
            }
        };
        print_json(&answer?)
    }
}
