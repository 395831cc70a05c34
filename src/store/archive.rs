//! Old rows of the journal in files, beside the database that they were taken out of: one folder a sale, gzipped lines of
//! JSON, each file named by its first and last row.
//!
//! Always: the files of a sale begin with its first row and have no hole; rows leave the database only after the file
//! that has them was written, read back, and is durable; the newest rows stay, because the writer goes on from them.
//! A run that was broken off leaves rows in both places at most, which the next one puts right. Not here: which rows are
//! old (`frontrow journal archive` says).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{JournalRow, Store, StoreError, files, journal};
use crate::domain::ids::ConcertId;
use crate::domain::time::Timestamp;

/// Rows read or deleted at a time: a transaction of some milliseconds beside the lanes'.
const PAGE_ROWS: u32 = 200;
/// The rows that are read at a time by those who only look.
const ROWS_READ_AT_ONCE: u32 = 1_000;
/// A file is closed once it has so many bytes of text: some minutes of a large sale, and small enough to read back.
const FILE_BYTES: u64 = 64 << 20;

/// A row of the journal as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldRow {
    pub seq: u64,
    pub batch: Uuid,
    pub writer: Uuid,
    /// UTC.
    pub at: Timestamp,
    /// JSON.
    pub events: String,
}

/// The part of the archive's work that a backend does.
#[async_trait]
pub trait OldJournal: Send + Sync {
    /// A sale's rows from `from` on, at most `rows_max`, and the place of its newest row that its other rows have.
    async fn old_rows(
        &self,
        concert: ConcertId,
        from: u64,
        rows_max: u32,
    ) -> Result<(Vec<OldRow>, u64), StoreError>;

    /// Deletes a sale's rows `first..=last`. Refused if the newest one is among them.
    async fn delete_rows(&self, concert: ConcertId, first: u64, last: u64) -> Result<(), StoreError>;
}

/// Why the archive could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("could not {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{}: {problem}", path.display())]
    Broken { path: PathBuf, problem: String },
    #[error("the database has no journal that could be archived")]
    NoJournal,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The figures of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    pub files: u64,
    pub rows: u64,
}

/// The folder with the files.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
    page_rows: u32,
    file_bytes: u64,
}

/// A row as a line of a file.
#[derive(Serialize, Deserialize)]
struct Line {
    seq: u64,
    batch_id: String,
    writer: String,
    at: i64,
    events: Box<RawValue>,
}

/// One file of a sale.
struct Piece {
    first: u64,
    last: u64,
    path: PathBuf,
}

impl Archive {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), page_rows: PAGE_ROWS, file_bytes: FILE_BYTES }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn of_sale(&self, concert: ConcertId) -> PathBuf {
        self.folder.join(format!("sale-{concert}"))
    }

    /// A sale's files in their order; refused if one is missing.
    fn pieces(&self, concert: ConcertId) -> Result<Vec<Piece>, ArchiveError> {
        let folder = self.of_sale(concert);
        let failed = |cause| ArchiveError::File { doing: "read", path: folder.clone(), cause };
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut pieces = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            // A file that was being written when a run was broken off has another name.
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let range = name.strip_suffix(".jsonl.gz").and_then(|range| range.split_once('-'));
            if let Some((first, last)) = range
                && let (Ok(first), Ok(last)) = (first.parse(), last.parse())
            {
                pieces.push(Piece { first, last, path });
            }
        }
        pieces.sort_by_key(|piece| piece.first);
        let mut next = 0;
        for piece in &pieces {
            if piece.first != next || piece.last < piece.first {
                let problem = format!("the file with row {next} of sale {concert} is missing before it");
                return Err(ArchiveError::Broken { path: piece.path.clone(), problem });
            }
            next = piece.last + 1;
        }
        Ok(pieces)
    }

    /// The first row of a sale that is not in a file.
    pub fn end(&self, concert: ConcertId) -> Result<u64, ArchiveError> {
        Ok(self.pieces(concert)?.last().map_or(0, |piece| piece.last + 1))
    }

    /// Gives every row of a sale from `from` on, in order, and then the first that is not in a file.
    pub fn each(
        &self,
        concert: ConcertId,
        from: u64,
        take: &mut dyn FnMut(OldRow) -> Result<(), ArchiveError>,
    ) -> Result<u64, ArchiveError> {
        let mut next = 0;
        for piece in self.pieces(concert)? {
            if piece.last >= from {
                read_piece(&piece, &mut |row| if row.seq >= from { take(row) } else { Ok(()) })?;
            }
            next = piece.last + 1;
        }
        Ok(next)
    }

    /// Gives every row of a sale's journal once, in order, from the files and then from the database. Rows that are moved
    /// meanwhile are found where they went.
    pub async fn journal(
        &self,
        store: &dyn Store,
        concert: ConcertId,
        take: &mut (dyn FnMut(JournalRow) + Send),
    ) -> Result<(), ArchiveError> {
        let mut next = 0;
        loop {
            let from = next;
            self.each(concert, from, &mut |row| {
                let events = journal::decode(&row.events).map_err(StoreError::broken)?;
                next = row.seq + 1;
                take(JournalRow { seq: row.seq, at: row.at, events });
                Ok(())
            })?;
            let rows = store.journal(concert, next, ROWS_READ_AT_ONCE).await?;
            let Some(first) = rows.first() else { return Ok(()) };
            if first.seq == next {
                for row in rows {
                    next = row.seq + 1;
                    take(row);
                }
            } else if next == from {
                let problem = format!("row {next} of sale {concert} is neither here nor in the database");
                return Err(ArchiveError::Broken { path: self.of_sale(concert), problem });
            }
        }
    }

    /// One run at a time: two would write into the same files. Held until it is dropped.
    fn lock(&self) -> Result<File, ArchiveError> {
        files::make_folder(&self.folder).map_err(|cause| failed("make", &self.folder, cause))?;
        let path = self.folder.join("lock");
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(files::FILE_MODE).open(&path);
        let file = file.map_err(|cause| failed("open", &path, cause))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let problem = "another run is at work here".to_owned();
                Err(ArchiveError::Broken { path: self.folder.clone(), problem })
            }
            Err(TryLockError::Error(cause)) => Err(failed("lock", &path, cause)),
        }
    }

    /// Moves the rows of every sale that are older than `before` into files, but for its newest `kept` ones (at least
    /// one: the writer goes on from it).
    pub async fn run(
        &self,
        store: &dyn Store,
        before: Timestamp,
        kept: u64,
    ) -> Result<Archived, ArchiveError> {
        let journal = store.old_journal().ok_or(ArchiveError::NoJournal)?;
        self.move_rows(journal, store.concerts().await?, before, kept).await
    }

    async fn move_rows(
        &self,
        journal: &dyn OldJournal,
        concerts: Vec<ConcertId>,
        before: Timestamp,
        kept: u64,
    ) -> Result<Archived, ArchiveError> {
        let _lock = self.lock()?;
        let mut archived = Archived::default();
        for concert in concerts {
            let mut next = self.end(concert)?;
            self.finish_deleting(journal, concert, next).await?;
            loop {
                let moved = self.move_piece(journal, concert, next, before, kept.max(1)).await?;
                let Some(last) = moved else { break };
                archived.files += 1;
                archived.rows += last + 1 - next;
                next = last + 1;
            }
        }
        Ok(archived)
    }

    /// Rows that an earlier run wrote into files and did not come to delete. Each is compared: an archive of another
    /// database must never cost this one its rows.
    async fn finish_deleting(
        &self,
        journal: &dyn OldJournal,
        concert: ConcertId,
        end: u64,
    ) -> Result<(), ArchiveError> {
        loop {
            let (rows, _) = journal.old_rows(concert, 0, self.page_rows).await?;
            let rows: Vec<_> = rows.into_iter().filter(|row| row.seq < end).collect();
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
            let (first, last) = (first.seq, last.seq);
            let mut stored = rows.iter();
            self.each(concert, first, &mut |row| {
                if row.seq > last {
                    return Ok(());
                }
                match stored.next() {
                    Some(ours) if ours.seq == row.seq && ours.batch == row.batch => Ok(()),
                    _ => Err(ArchiveError::Broken {
                        path: self.of_sale(concert),
                        problem: format!("row {} is another one than the database's", row.seq),
                    }),
                }
            })?;
            journal.delete_rows(concert, first, last).await?;
        }
    }

    /// Writes one file of rows from `next` on, and deletes them. `None`: there is nothing old.
    async fn move_piece(
        &self,
        journal: &dyn OldJournal,
        concert: ConcertId,
        next: u64,
        before: Timestamp,
        kept: u64,
    ) -> Result<Option<u64>, ArchiveError> {
        let mut writing: Option<Writing> = None;
        let mut from = next;
        loop {
            let (rows, newest) = journal.old_rows(concert, from, self.page_rows).await?;
            let is_old = |row: &OldRow| row.at < before && row.seq.saturating_add(kept) <= newest;
            let count = rows.len();
            let old: Vec<_> = rows.into_iter().take_while(is_old).collect();
            let ends = old.len() < count || count < self.page_rows as usize;
            for row in &old {
                if row.seq != from {
                    let problem = format!("the journal of sale {concert} has no row {from}");
                    return Err(ArchiveError::Broken { path: self.of_sale(concert), problem });
                }
                from += 1;
                if writing.is_none() {
                    writing = Some(Writing::begin(self.of_sale(concert))?);
                }
                if let Some(writing) = &mut writing {
                    writing.row(row)?;
                }
            }
            if ends || writing.as_ref().is_some_and(|writing| writing.bytes >= self.file_bytes) {
                break;
            }
        }
        let Some(writing) = writing else { return Ok(None) };
        let last = from - 1;
        writing.finish(next, last)?;
        let mut first = next;
        while first <= last {
            let until = last.min(first + u64::from(self.page_rows) - 1);
            journal.delete_rows(concert, first, until).await?;
            first = until + 1;
        }
        Ok(Some(last))
    }
}

/// A file that is being written, under a name that nobody reads.
struct Writing {
    folder: PathBuf,
    draft: PathBuf,
    encoder: GzEncoder<BufWriter<File>>,
    bytes: u64,
}

impl Writing {
    fn begin(folder: PathBuf) -> Result<Self, ArchiveError> {
        files::make_folder(&folder).map_err(|cause| failed("make", &folder, cause))?;
        // The folder itself must be there after a loss of power.
        for path in [folder.parent(), folder.parent().and_then(Path::parent)].into_iter().flatten() {
            sync_folder(path)?;
        }
        let draft = folder.join("writing");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(files::FILE_MODE)
            .open(&draft)
            .map_err(|cause| failed("write", &draft, cause))?;
        let encoder = GzEncoder::new(BufWriter::new(file), Compression::default());
        Ok(Self { folder, draft, encoder, bytes: 0 })
    }

    fn row(&mut self, row: &OldRow) -> Result<(), ArchiveError> {
        let events = RawValue::from_string(row.events.clone()).map_err(|error| ArchiveError::Broken {
            path: self.folder.clone(),
            problem: format!("row {} is not JSON: {error}", row.seq),
        })?;
        let line = Line {
            seq: row.seq,
            batch_id: row.batch.simple().to_string(),
            writer: row.writer.simple().to_string(),
            at: row.at.as_millis(),
            events,
        };
        let mut text = serde_json::to_vec(&line).expect("a line has string keys: nothing can fail");
        text.push(b'\n');
        self.bytes += text.len() as u64;
        self.encoder.write_all(&text).map_err(|cause| failed("write", &self.draft, cause))
    }

    /// Durable, read back, and only then under its name.
    fn finish(self, first: u64, last: u64) -> Result<(), ArchiveError> {
        let Self { folder, draft, encoder, .. } = self;
        let written = encoder.finish().and_then(|buffer| buffer.into_inner()?.sync_all());
        written.map_err(|cause| failed("write", &draft, cause))?;
        let piece = Piece { first, last, path: draft.clone() };
        read_piece(&piece, &mut |_| Ok(()))?;
        let path = folder.join(format!("{first:020}-{last:020}.jsonl.gz"));
        std::fs::rename(&draft, &path).map_err(|cause| failed("name", &path, cause))?;
        sync_folder(&folder)
    }
}

fn failed(doing: &'static str, path: &Path, cause: io::Error) -> ArchiveError {
    ArchiveError::File { doing, path: path.to_owned(), cause }
}

fn sync_folder(path: &Path) -> Result<(), ArchiveError> {
    // A path of one name has an empty parent, which is where we are.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|cause| failed("sync", path, cause))
}

/// Reads a whole file; refused unless it has exactly the rows that its name says.
fn read_piece(
    piece: &Piece,
    take: &mut dyn FnMut(OldRow) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let path = &piece.path;
    let broken = |problem: String| ArchiveError::Broken { path: path.clone(), problem };
    let file = File::open(path).map_err(|cause| failed("read", path, cause))?;
    let mut next = piece.first;
    for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
        let line = line.map_err(|cause| failed("read", path, cause))?;
        let line: Line =
            serde_json::from_str(&line).map_err(|error| broken(format!("row {next}: {error}")))?;
        let id = |text: &str| Uuid::try_parse(text).map_err(|_| broken(format!("row {next}: not an id")));
        let (batch, writer) = (id(&line.batch_id)?, id(&line.writer)?);
        if line.seq != next {
            return Err(broken(format!("has row {} where row {next} should be", line.seq)));
        }
        next += 1;
        let at = Timestamp::from_millis(line.at);
        take(OldRow { seq: line.seq, batch, writer, at, events: line.events.get().to_owned() })?;
    }
    match next == piece.last + 1 {
        true => Ok(()),
        false => Err(broken(format!("ends before row {next}, and should end with {}", piece.last))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;
    use tokio::sync::Notify;

    use super::*;
    use crate::domain::record::SaleState;
    use crate::domain::rules::{OwnRules, SaleSettings};
    use crate::store::sqlite::{FILE_NAME, SqliteStore};
    use crate::store::{Claims, NewConcert, Reads, Setup, WriterId, random_id};
    use crate::venue::{ImportOptions, Shape, generate, import, suggested_prices};

    const SALE: ConcertId = ConcertId(1);
    const FUTURE: Timestamp = Timestamp::from_millis(i64::MAX / 4);

    /// A sale with a journal of some length: every claim adds a row.
    async fn claimed_often(store: &SqliteStore) {
        let plan = generate(20, Shape::Hall).unwrap();
        let prices = suggested_prices(&plan);
        let imported = import(plan.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap();
        let at = Timestamp::from_millis(1_900_000_000_000);
        let concert = NewConcert {
            title: "First Night".into(),
            currency: "KRW".into(),
            time_zone: None,
            layout: imported.layout,
            starts_at: vec![at + Duration::from_secs(86_400)],
            restricted: Vec::new(),
            about: None,
            again: true,
            settings: SaleSettings {
                state: SaleState::Open,
                opens_at: None,
                message: None,
                own: OwnRules::default(),
            },
            at,
        };
        let (concert, _) = store.add_concert(concert).await.unwrap();
        assert_eq!(concert, SALE);
        for claim in 0..16 {
            let at = at + Duration::from_secs(claim);
            store.claim(SALE, WriterId(random_id()), at, None).await.unwrap();
        }
    }

    /// A journal whose program dies: before or after it has done what was asked of it as the `left`th.
    struct Dying<'j> {
        journal: &'j dyn OldJournal,
        left: AtomicU32,
        is_done: bool,
        died: Notify,
    }

    impl Dying<'_> {
        async fn step<T>(&self, done: impl Future<Output = T>) -> T {
            let dies = self.left.fetch_sub(1, Ordering::Relaxed) == 0;
            if dies && !self.is_done {
                self.die().await;
            }
            let done = done.await;
            if dies {
                self.die().await;
            }
            done
        }

        async fn die(&self) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    #[async_trait]
    impl OldJournal for Dying<'_> {
        async fn old_rows(
            &self,
            concert: ConcertId,
            from: u64,
            rows_max: u32,
        ) -> Result<(Vec<OldRow>, u64), StoreError> {
            self.step(self.journal.old_rows(concert, from, rows_max)).await
        }

        async fn delete_rows(&self, concert: ConcertId, first: u64, last: u64) -> Result<(), StoreError> {
            self.step(self.journal.delete_rows(concert, first, last)).await
        }
    }

    async fn whole_journal(archive: &Archive, store: &SqliteStore) -> Vec<JournalRow> {
        let mut rows = Vec::new();
        archive.journal(store, SALE, &mut |row| rows.push(row)).await.unwrap();
        rows
    }

    /// Goal: whenever a run dies, nothing is lost or doubled to those who read, and the next run puts it right. Method: it
    /// dies before and after each thing that it asks of the database, and with a file written but not named.
    #[tokio::test]
    async fn a_run_that_is_killed_at_any_step_loses_and_doubles_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        claimed_often(&store).await;
        let file = SqliteConnectOptions::new().filename(folder.path().join(FILE_NAME));
        let mut connection = file.connect().await.unwrap();
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
        let honest = std::fs::read(folder.path().join(FILE_NAME)).unwrap();
        let rows = store.journal(SALE, 0, 1_000).await.unwrap();
        assert!(rows.len() > 10);

        let mut deaths = 0;
        for (step, is_done, is_unnamed) in
            (0..).flat_map(|step| [(step, false, false), (step, true, false), (step, false, true)])
        {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(FILE_NAME), &honest).unwrap();
            let store = SqliteStore::open(folder.path()).await.unwrap();
            let archive = Archive { folder: folder.path().join("journal"), page_rows: 3, file_bytes: 1_000 };
            let journal = Dying { journal: &store, left: AtomicU32::new(step), is_done, died: Notify::new() };
            let is_over = tokio::select! {
                done = archive.move_rows(&journal, vec![SALE], FUTURE, 2) => done.unwrap().rows > 0,
                () = journal.died.notified() => false,
            };
            if is_over {
                break;
            }
            deaths += 1;
            let in_database = store.journal(SALE, 0, 1).await.unwrap()[0].seq;
            if let Some(piece) = archive.pieces(SALE).unwrap().pop()
                && is_unnamed
                && in_database <= piece.first
            {
                std::fs::rename(&piece.path, archive.of_sale(SALE).join("writing")).unwrap();
            }
            assert_eq!(whole_journal(&archive, &store).await, rows, "after {step} steps");
            let report = store.audit_with(Some(&archive)).await.unwrap();
            assert_eq!(report.faults, Vec::<String>::new(), "after {step} steps");

            archive.run(&store, FUTURE, 2).await.unwrap();
            assert_eq!(whole_journal(&archive, &store).await, rows, "after {step} steps and another run");
            let report = store.audit_with(Some(&archive)).await.unwrap();
            assert_eq!(report.faults, Vec::<String>::new(), "after {step} steps and another run");
            assert_eq!(store.journal(SALE, 0, 1_000).await.unwrap().len(), 2);
        }
        assert!(deaths > 30, "it died {deaths} times");
    }

    /// Goal: who reads while rows are moved misses none. Method: they move between the files' end and the database's rows.
    #[tokio::test]
    async fn rows_that_move_while_they_are_read_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        claimed_often(&store).await;
        let rows = store.journal(SALE, 0, 1_000).await.unwrap();
        let archive = Archive { folder: folder.path().join("journal"), page_rows: 3, file_bytes: 1_000 };
        archive.run(&store, FUTURE, rows.len() as u64 - 5).await.unwrap();
        let last = archive.end(SALE).unwrap() - 1;
        let move_all = || {
            let (archive, path) = (archive.clone(), folder.path().to_owned());
            let another_program = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let store = SqliteStore::open(&path).await.unwrap();
                    archive.run(&store, FUTURE, 1).await.unwrap()
                })
            });
            assert!(another_program.join().unwrap().rows > 0);
        };
        let mut read = Vec::new();
        let mut take = |row: JournalRow| {
            // It knows by now which files there are.
            if row.seq == last {
                move_all();
            }
            read.push(row);
        };
        archive.journal(&store, SALE, &mut take).await.unwrap();
        assert_eq!(read, rows);
        // An archive that is gone has no end.
        std::fs::remove_dir_all(archive.of_sale(SALE)).unwrap();
        assert!(archive.journal(&store, SALE, &mut |_| ()).await.is_err());
    }

    #[tokio::test]
    async fn one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let archive = Archive::new(folder.path().join("journal"));
        let lock = archive.lock().unwrap();
        let refused = archive.run(&store, FUTURE, 1).await.unwrap_err().to_string();
        assert!(refused.contains("another run is at work here"), "{refused}");
        drop(lock);
        archive.run(&store, FUTURE, 1).await.unwrap();
    }
}
