//! A loss of power, for a test: a private MariaDB whose log is held back on its way to the disk, and a copy of its files as
//! they are at some moment, on which another server goes on.
//!
//! The log is held by a library that is loaded into the server and waits in `pwrite` as long as a file is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use frontrow::store::BatchWriter;
use frontrow::store::mysql::MySqlStore;
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Row};
use tempfile::TempDir;

use crate::mysql_writer::{holding, stage};

const HOLD: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void hold(int fd) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (!strstr(path, "ib_logfile")) return;
    while (!access(getenv("HOLD"), F_OK)) usleep(1000);
}
typedef ssize_t (*writer)(int, const void *, size_t, off64_t);
ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at) {
    hold(fd);
    return ((writer)dlsym(RTLD_NEXT, "pwrite64"))(fd, from, length, at);
}
ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
    hold(fd);
    return ((writer)dlsym(RTLD_NEXT, "pwrite64"))(fd, from, length, at);
}
"#;

/// The server has a folder of its own for temporary tables: at its start a server removes all that it finds there, also
/// those that another one is using.
const SETTINGS: &str = "[mysqld]
datadir = {folder}/data
socket = {folder}/socket
pid-file = {folder}/pid
log-error = {folder}/log
tmpdir = {folder}
user = {user}
skip-networking
skip-log-bin
innodb-buffer-pool-size = 64M
innodb-log-file-size = 32M
innodb-flush-log-at-trx-commit = 1
performance-schema = 0
";

/// A server in a folder of its own.
struct Server {
    folder: TempDir,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.release();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shell(folder: &Path, script: &str) {
    let done = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Server {
    async fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("frontrow-power-").tempdir().unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let settings = SETTINGS
            .replace("{folder}", folder.path().to_str().unwrap())
            .replace("{user}", String::from_utf8(user).unwrap().trim());
        fs::write(folder.path().join("my.cnf"), settings).unwrap();
        fs::write(folder.path().join("hold.c"), HOLD).unwrap();
        shell(
            folder.path(),
            "cc -shared -fPIC -o hold.so hold.c -ldl
             PATH=\"$PATH:/usr/sbin\" mariadb-install-db --defaults-file=my.cnf \
                 --auth-root-authentication-method=normal --skip-test-db",
        );
        Self::on(folder).await
    }

    /// Starts a server on the files that are there.
    async fn on(folder: TempDir) -> Self {
        let child = Command::new("sh")
            .args([
                "-c",
                "PATH=\"$PATH:/usr/sbin\"; LD_PRELOAD=$PWD/hold.so exec mariadbd --defaults-file=my.cnf",
            ])
            .env("HOLD", folder.path().join("hold"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { folder, child };
        while MySqlConnection::connect(&server.url("mysql")).await.is_err() {
            let log = || fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
            assert!(server.child.try_wait().unwrap().is_none(), "{}", log());
            tokio::task::yield_now().await;
        }
        server
    }

    fn url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?socket={}", self.folder.path().join("socket").display())
    }

    fn held(&self) -> PathBuf {
        self.folder.path().join("hold")
    }

    /// Nothing of the log gets to the disk from now on.
    fn hold(&self) {
        fs::write(self.held(), "").unwrap();
    }

    fn release(&self) {
        let _ = fs::remove_file(self.held());
    }

    /// The files on the disk if the power fails right now. The server may remove a file that it needs no more
    /// meanwhile.
    fn lose_power(&self) -> TempDir {
        let folder = tempfile::Builder::new().prefix("frontrow-power-").tempdir().unwrap();
        let at = self.folder.path().display();
        shell(
            folder.path(),
            &format!(
                "cp -a {at}/data {at}/hold.so . 2>missing || ! grep -v 'No such file' missing
                 sed 's|{at}|'$PWD'|' {at}/my.cnf >my.cnf"
            ),
        );
        folder
    }
}

/// The number that another server finds in files that a loss of power left.
async fn found_in(files: TempDir, sql: &'static str) -> i64 {
    let server = Server::on(files).await;
    count(&mut MySqlConnection::connect(&server.url("sale")).await.unwrap(), sql).await
}

async fn count(connection: &mut MySqlConnection, sql: &'static str) -> i64 {
    sqlx::raw_sql(sql).fetch_one(connection).await.unwrap().get(0)
}

/// The batch whose outcome is in question.
#[derive(Clone, Copy)]
enum Of {
    ASale,
    ChargesAlone,
}

/// The server has a batch, whose commit waits for the disk; meanwhile somebody asks what became of it.
async fn settle_rests_on_what_is_durable(of: Of) {
    let server = Server::new().await;
    let mut admin = MySqlConnection::connect(&server.url("mysql")).await.unwrap();
    sqlx::raw_sql("CREATE DATABASE sale").execute(&mut admin).await.unwrap();
    let store = MySqlStore::open(&server.url("sale")).await.unwrap();
    let (mut world, mut lane, mut other) = stage(&store).await;
    let user = world.user(0).await;
    // Of a sale it is one statement, which commits by itself; whoever asks says COMMIT.
    let (batch, written, committing_both) = match of {
        Of::ASale => (holding(&mut world, user.0, 1), "SELECT CAST(count(*) AS SIGNED) FROM journal", 1),
        Of::ChargesAlone => {
            let charge = world.charge(user, 5, 0, "r");
            let entries = "SELECT CAST(count(*) AS SIGNED) FROM payment_history";
            (world.batch(Vec::new(), vec![charge]), entries, 2)
        }
    };
    let before = count(&mut other, written).await;

    server.hold();
    let asked = batch.clone();
    let committing = tokio::spawn(async move { lane.commit(&batch).await });
    // It is to be seen before it is durable.
    while count(&mut other, written).await == before {
        assert!(!committing.is_finished());
        tokio::task::yield_now().await;
    }
    let too_early = server.lose_power();
    let mut settler = store.new_writer().await.unwrap();
    let settling = tokio::spawn(async move { settler.settle(&asked).await });
    const COMMITTING: &str =
        "SELECT CAST(count(*) AS SIGNED) FROM information_schema.processlist WHERE info = 'COMMIT'";
    while !settling.is_finished() && count(&mut admin, COMMITTING).await < committing_both {
        tokio::task::yield_now().await;
    }
    if !settling.is_finished() {
        server.release();
    }
    assert!(settling.await.unwrap().unwrap(), "it was committed");
    let files = server.lose_power();
    assert_eq!(found_in(files, written).await, before + 1, "what was said to be there is gone");
    // The test would show nothing otherwise: what was to be seen was not on the disk.
    assert_eq!(found_in(too_early, written).await, before, "nothing held the log back");
}

#[tokio::test]
async fn a_batch_that_was_found_in_the_store_outlives_a_loss_of_power() {
    settle_rests_on_what_is_durable(Of::ASale).await;
}

#[tokio::test]
async fn charges_that_were_found_in_the_store_outlive_a_loss_of_power() {
    settle_rests_on_what_is_durable(Of::ChargesAlone).await;
}
