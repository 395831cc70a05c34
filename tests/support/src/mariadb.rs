//! A private MariaDB for tests: one server a test process, in a folder of its own, reached by a socket in there; one
//! database a test. It ends with the process, however that ends.
//!
//! Not durable on purpose, so that tests are fast; what a commit survives is tested by killing real servers.
//!
//! `FRONTROW_TEST_DATABASE` may say otherwise: with `mariadb-tls` the private server is reached by TCP, encrypted, and with a
//! URL the tests are on a server that is there already, MariaDB or not: `mysql://root@127.0.0.1:3306/{database}`. If that is a
//! node of a cluster, `FRONTROW_TEST_NODE` may be the URL of another one.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

/// Debian keeps servers where only root's PATH leads. The server ends when the pipe from the test process is closed:
/// by its end or by its death.
const SCRIPT: &str = r#"
trap '' INT TERM HUP PIPE # Meant for the tests; what follows their end is still to be done.
trap 'rm -rf "$PWD"' EXIT
PATH="$PATH:/usr/sbin:/usr/local/sbin"
for program in mariadbd mariadb-install-db; do
    command -v "$program" >&2 || { echo "$program is not installed: apt-get install mariadb-server" >&2; exit 1; }
done
mariadb-install-db --defaults-file=my.cnf --auth-root-authentication-method=normal --skip-test-db >&2 || exit 1
mariadbd --defaults-file=my.cnf &
server=$!
cat
exec 2>/dev/null # Nobody reads any more.
kill -9 "$server"
wait "$server"
"#;

/// The server has a folder of its own for temporary tables: at its start a server removes all that it finds there, also
/// those that another one is using.
const SETTINGS: &str = "[mysqld]
datadir = {folder}/data
tmpdir = {folder}
socket = {folder}/socket
pid-file = {folder}/pid
user = {user}
{network}
skip-log-bin
max-connections = 400
innodb-buffer-pool-size = 64M
innodb-log-file-size = 32M
innodb-flush-log-at-trx-commit = 0
innodb-doublewrite = 0
loose-innodb-flush-method = nosync
loose-sync-frm = 0
performance-schema = 0
";

const ENCRYPTED: &str = "bind-address = 127.0.0.1
port = {port}
require-secure-transport
ssl-ca = {certificates}/ca.pem
ssl-cert = {certificates}/first.pem
ssl-key = {certificates}/first.key";

struct Server {
    /// A URL in which `DATABASE` stands for the database's name.
    url: String,
    /// Closed when the process ends.
    _stdin: Option<ChildStdin>,
}

const DATABASE: &str = "{database}";

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a database that nobody else has, with nothing in it.
pub async fn empty_database() -> String {
    // Several processes may be on a server that was there already.
    let name = format!("t{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = admin().await;
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a new database");
    // A server that is told so may be gone before it is told that nothing more comes.
    let _ = connection.close().await;
    url(&name)
}

/// A connection with every right, to the server's own database.
pub async fn admin() -> MySqlConnection {
    MySqlConnection::connect_with(&options()).await.expect("the server answers")
}

/// The way in which the server is reached.
pub fn options() -> MySqlConnectOptions {
    url("mysql").parse().expect("a URL of a server")
}

fn url(database: &str) -> String {
    SERVER.get_or_init(start).url.replace(DATABASE, database)
}

fn start() -> Server {
    match std::env::var("FRONTROW_TEST_DATABASE") {
        Ok(url) if url.contains("://") => {
            assert!(url.contains(DATABASE), "FRONTROW_TEST_DATABASE is a URL and has no {DATABASE} in it");
            Server { url, _stdin: None }
        }
        Ok(word) if word == "mariadb-tls" => start_private(true),
        _ => start_private(false),
    }
}

fn start_private(encrypted: bool) -> Server {
    let folder = tempfile::Builder::new().prefix("frontrow-mariadb-").tempdir().expect("a folder").keep();
    let user = Command::new("id").arg("-un").output().expect("`id` says who we are").stdout;
    let user = String::from_utf8(user).expect("a user's name is UTF-8");
    let socket = folder.join("socket");
    let (network, url) = if encrypted {
        // None that the tests' own connections may come from before the server takes it.
        let first = std::process::id() as u16 % 20_000;
        let mut ports = (0..20_000).map(|more| 10_000 + (first + more) % 20_000);
        let port = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port");
        let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/../tls");
        let network = ENCRYPTED.replace("{port}", &port.to_string()).replace("{certificates}", certificates);
        let secure = format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={certificates}/ca.pem");
        (network, format!("mysql://root@127.0.0.1:{port}/{DATABASE}?{secure}"))
    } else {
        (
            "skip-networking".to_owned(),
            format!("mysql://root@localhost/{DATABASE}?socket={}", socket.display()),
        )
    };
    let settings = SETTINGS
        .replace("{folder}", folder.to_str().expect("UTF-8"))
        .replace("{user}", user.trim())
        .replace("{network}", &network);
    std::fs::write(folder.join("my.cnf"), settings).expect("room for the settings");
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let stdin = child.stdin.take().expect("its stdin is piped");
    let mut log = BufReader::new(child.stderr.take().expect("its stderr is piped"));
    let mut said = String::new();
    // Twice, because the installation's own server says it too; that one has no socket.
    while !said.lines().any(|line| line.contains("ready for connections")) || !socket.exists() {
        if log.read_line(&mut said).expect("what MariaDB says is text") == 0 {
            let _ = std::fs::remove_dir_all(&folder);
            panic!("these tests need a private MariaDB, which did not start:\n{said}");
        }
    }
    // Its later output must not fill the pipe.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut log, &mut std::io::sink());
        let _ = child.wait();
    });
    Server { url, _stdin: Some(stdin) }
}
