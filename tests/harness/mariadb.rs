//! A private MariaDB for tests: one server a test process, in a folder of its own, reached by a socket in there; one
//! database a test. It ends with the process, however that ends.
//!
//! Not durable on purpose, so that tests are fast; what a commit survives is tested by killing real servers.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::MySqlConnection;
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

const SETTINGS: &str = "[mysqld]
datadir = {folder}/data
socket = {folder}/socket
pid-file = {folder}/pid
user = {user}
skip-networking
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

struct Server {
    folder: PathBuf,
    /// Closed when the process ends.
    _stdin: ChildStdin,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a database that nobody else has, with nothing in it.
pub async fn empty_database() -> String {
    let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = admin().await;
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a new database");
    connection.close().await.expect("the server goes on");
    url(&name)
}

/// A connection with every right, to the server's own database.
pub async fn admin() -> MySqlConnection {
    MySqlConnection::connect(&url("mysql")).await.expect("the private MariaDB answers")
}

/// The socket that the server listens on.
pub fn socket() -> PathBuf {
    SERVER.get_or_init(start).folder.join("socket")
}

fn url(database: &str) -> String {
    format!("mysql://root@localhost/{database}?socket={}", socket().display())
}

fn start() -> Server {
    let folder = tempfile::Builder::new().prefix("frontrow-mariadb-").tempdir().expect("a folder").keep();
    let user = Command::new("id").arg("-un").output().expect("`id` says who we are").stdout;
    let user = String::from_utf8(user).expect("a user's name is UTF-8");
    let settings =
        SETTINGS.replace("{folder}", folder.to_str().expect("UTF-8")).replace("{user}", user.trim());
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
    while !said.lines().any(|line| line.contains("ready for connections")) || !folder.join("socket").exists()
    {
        if log.read_line(&mut said).expect("what MariaDB says is text") == 0 {
            let _ = std::fs::remove_dir_all(&folder);
            panic!("these tests need a private MariaDB, which did not start:\n{said}");
        }
    }
    // Whatever it says later must not fill the pipe.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut log, &mut std::io::sink());
        let _ = child.wait();
    });
    Server { folder, _stdin: stdin }
}
