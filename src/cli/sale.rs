//! `frontrow sale`: the operators' HTTP calls of a running server.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use frontrow::clock::Clock;
use frontrow::gateway::auth::Auth;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::token::DEFAULT_TTL;
use super::{DataArgs, print_json};

#[derive(Args)]
pub struct Sale {
    /// The running server.
    #[arg(
        long,
        global = true,
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        env = "FRONTROW_SERVER"
    )]
    server: String,
    /// An operator's access token. Without one, it is made with the key in the data folder.
    #[arg(long, global = true, env = "FRONTROW_OPERATOR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// The figures of every sale.
    List,
    /// Admit fans, now.
    Open { concert: u32 },
    /// No joins, admissions or new holds; paying works.
    Pause { concert: u32 },
    /// As paused, and the line is dissolved.
    Close { concert: u32 },
    /// Change how many fans may be admitted at a time. Lowering it evicts nobody.
    Capacity { concert: u32, places: u32 },
    /// Show a message to every fan; an empty one takes it away.
    Message { concert: u32, text: String },
}

const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Sale {
    pub async fn run(self) -> anyhow::Result<()> {
        let state = |state: &str| json!({"state": state});
        let change = match &self.call {
            Call::List => None,
            Call::Open { concert } => Some((concert, state("OPEN"))),
            Call::Pause { concert } => Some((concert, state("PAUSED"))),
            Call::Close { concert } => Some((concert, state("CLOSED"))),
            Call::Capacity { concert, places } => Some((concert, json!({"capacity": places}))),
            Call::Message { concert, text } => {
                let message = Some(text.trim()).filter(|text| !text.is_empty());
                Some((concert, json!({"message": message})))
            }
        };
        let token = match &self.token {
            Some(token) => token.clone(),
            None => {
                let config = self.data.config()?;
                Auth::open(&config.data, &config.auth)?.mint_operator(Clock::system().utc(), *DEFAULT_TTL)
            }
        };
        let answer = match change {
            None => call(&self.server, &token, Method::GET, "/api/v1/admin/sales", None).await,
            Some((concert, patch)) => {
                let path = format!("/api/v1/admin/sales/{concert}");
                call(&self.server, &token, Method::PATCH, &path, Some(&patch)).await
            }
        };
        print_json(&answer?)
    }
}

async fn call(
    server: &str,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let Some(authority) = server.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')) else {
        bail!("--server takes an http:// URL without a path, not `{server}`");
    };
    let address = if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let stream =
        TcpStream::connect(&address).await.with_context(|| format!("no server answers at {server}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default())))?;
    let response = sender.send_request(request).await.context("the server did not answer")?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("the answer could not be read: {error}"))?.to_bytes();
    driver.abort();
    let answer: Value =
        serde_json::from_slice(&body).with_context(|| format!("the answer is no JSON ({status})"))?;
    if !status.is_success() {
        let said = answer["detail"].as_str().or(answer["title"].as_str()).unwrap_or("no reason was given");
        bail!("{said} ({}, {status})", answer["reason"].as_str().unwrap_or("no reason"));
    }
    Ok(answer)
}
