//! Concerts that are still being made, and the pictures of those that are there. What changes something writes its line of the
//! operators' log in the same transaction.
//!
//! Always: a draft is changed on top of the revision that its author saw, or not at all, and becomes a concert once. A picture
//! is named by its content, so that it never changes.

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::SqlSafeStr;
use uuid::Uuid;

use super::backend::{Backend, again, begin, commit};
use super::columns::{Bind, Cells};
use super::operators::{Note, add_log};
use super::query::{self, Link};
use super::{NewConcert, StoreError, setup};
use crate::domain::ids::{ConcertId, ScheduleId};
use crate::domain::time::Timestamp;
use crate::limits::{DRAFT_KEPT, DRAFTS_LISTED_MAX, DRAFTS_MAX, PICTURE_KEPT_UNUSED};

/// A draft without its plan. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftRecord {
    pub id: u64,
    /// Counts its changes.
    pub revision: u64,
    /// All that was entered, and what its plan has, as JSON.
    pub body: String,
    pub made_at: Timestamp,
    pub changed_at: Timestamp,
    /// What became of it.
    pub concert: Option<ConcertId>,
}

/// What is to be written of a draft, and what the log says of it.
#[derive(Clone, Debug)]
pub struct DraftChange {
    /// The revision that its author saw.
    pub revision: u64,
    pub body: String,
    /// The file of its seating plan, gzip. `None`: the one that is there.
    pub plan: Option<Vec<u8>>,
    pub what: &'static str,
    pub was: Option<Value>,
    pub became: Option<Value>,
}

/// What became of a change of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftOutcome<T> {
    Done(T),
    NoSuchDraft,
    /// Somebody changed it meanwhile to this, or announced it.
    IsOther(Box<DraftRecord>),
}

/// A picture's name: the first half of the SHA-256 of what was uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImageId(pub [u8; 16]);

/// A picture in one of its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPicture {
    pub width: u32,
    pub mime: String,
    pub bytes: Vec<u8>,
}

/// What is kept of concerts that are being made.
#[async_trait]
pub trait Making: Send + Sync {
    /// Newest first. Those that were announced are among them.
    async fn drafts(&self) -> Result<Vec<DraftRecord>, StoreError>;

    async fn draft(&self, draft: u64) -> Result<Option<DraftRecord>, StoreError>;

    /// The file of its seating plan, gzip.
    async fn draft_plan(&self, draft: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// `None`: there are as many as there may be. Those that nobody changed for long go.
    async fn add_draft(&self, body: &str, note: &Note) -> Result<Option<DraftRecord>, StoreError>;

    async fn change_draft(
        &self,
        draft: u64,
        change: &DraftChange,
        note: &Note,
    ) -> Result<DraftOutcome<DraftRecord>, StoreError>;

    /// `false`: it is not there, or is a concert by now.
    async fn drop_draft(&self, draft: u64, note: &Note) -> Result<bool, StoreError>;

    /// Stores what the draft became, whole or not at all. Fails as `Setup::add_concert` does.
    async fn announce_draft(
        &self,
        draft: u64,
        revision: u64,
        concert: &NewConcert,
        note: &Note,
    ) -> Result<DraftOutcome<(ConcertId, Vec<ScheduleId>)>, StoreError>;

    /// The same picture may be added any number of times. Those that nothing shows go after a while.
    async fn add_picture(
        &self,
        image: ImageId,
        sizes: &[StoredPicture],
        note: &Note,
    ) -> Result<(), StoreError>;

    async fn picture(&self, image: ImageId, width: u32) -> Result<Option<StoredPicture>, StoreError>;
}

macro_rules! drafts {
    ($rest:literal) => {
        concat!("SELECT draft_id, revision, body, made_at, changed_at, concert_id FROM concert_draft ", $rest)
    };
}
const DRAFTS: &str = drafts!("ORDER BY draft_id DESC LIMIT ?");
const DRAFT: &str = drafts!("WHERE draft_id = ?");
const PLAN: &str = "SELECT plan FROM concert_draft WHERE draft_id = ?";
/// Those that may still become a concert, of which there are few.
const COUNT: &str = "SELECT count(*) AS drafts FROM concert_draft WHERE concert_id IS NULL";
const FORGET: &str = "DELETE FROM concert_draft WHERE changed_at < ?";
const ADD: &str = "INSERT INTO concert_draft (revision, body, made_at, changed_at) VALUES (1, ?, ?, ?)";
const CHANGE: &str = "UPDATE concert_draft SET revision = revision + 1, body = ?, changed_at = ? \
     WHERE draft_id = ? AND revision = ? AND concert_id IS NULL";
const SET_PLAN: &str = "UPDATE concert_draft SET plan = ? WHERE draft_id = ?";
const DROP: &str = "DELETE FROM concert_draft WHERE draft_id = ? AND concert_id IS NULL";
/// A draft that became a concert needs its plan no more: the concert has it.
const SPEND: &str = "UPDATE concert_draft SET revision = revision + 1, changed_at = ?, plan = NULL \
     WHERE draft_id = ? AND revision = ? AND concert_id IS NULL";
const BECAME: &str = "UPDATE concert_draft SET concert_id = ? WHERE draft_id = ?";

const ADD_PICTURE: &str =
    "INSERT INTO concert_image (image_id, width, mime, bytes, made_at) VALUES (?, ?, ?, ?, ?)";
const SEE_PICTURE: &str = "UPDATE concert_image SET made_at = ? WHERE image_id = ?";
const PICTURE: &str = "SELECT width, mime, bytes FROM concert_image WHERE image_id = ? AND width = ?";
/// Pictures that were uploaded before this time.
const OLD_PICTURES: &str =
    "SELECT image_id FROM concert_image WHERE made_at < ? GROUP BY image_id ORDER BY image_id LIMIT ?";
const SHOWN: &str = "SELECT about FROM concert c WHERE about IS NOT NULL";
const DRAFTED: &str = "SELECT body FROM concert_draft";
const DROP_PICTURE: &str = "DELETE FROM concert_image WHERE image_id = ?";
/// Pictures that are looked at in one go.
const OLD_PICTURES_AT_ONCE: u64 = 100;

/// Every text above that looks for rows by a key, for a test of their plans. The others read tables of which there is little.
#[cfg(test)]
pub const QUESTIONS: &[&str] = &[DRAFT, PLAN, PICTURE];

#[async_trait]
impl<B: Backend> Making for B {
    async fn drafts(&self) -> Result<Vec<DraftRecord>, StoreError> {
        let mut link = self.reader().await?;
        let values = query::numbers(&[DRAFTS_LISTED_MAX.into()]);
        link.all(DRAFTS.into_sql_str(), values).await?.iter().map(read_draft).collect()
    }

    async fn draft(&self, id: u64) -> Result<Option<DraftRecord>, StoreError> {
        draft(&mut *self.reader().await?, id).await
    }

    async fn draft_plan(&self, id: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let row = query::one(&mut *self.reader().await?, PLAN, query::numbers(&[id])).await?;
        let plan = row.as_ref().map(|row| row.opt_bytes("plan")).transpose()?.flatten();
        Ok(plan.map(<[u8]>::to_vec))
    }

    async fn add_draft(&self, body: &str, note: &Note) -> Result<Option<DraftRecord>, StoreError> {
        let add = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            query::run(&mut *change, FORGET, |to| to.time(Some(note.at - DRAFT_KEPT))).await?;
            let row = query::one(&mut *change, COUNT, query::numbers(&[])).await?;
            let count: u32 = row.map(|row| row.number("drafts")).transpose()?.unwrap_or(0);
            if count >= DRAFTS_MAX {
                return Ok(None);
            }
            let added = query::run(&mut *change, ADD, |to| {
                to.text(Some(body));
                to.time(Some(note.at));
                to.time(Some(note.at));
            });
            let id = added.await?.last_id;
            add_log(&mut *change, note, "draft.add", Some(&subject(id)), None, None).await?;
            let made = draft(&mut *change, id).await?;
            commit::<B>(change).await?;
            Ok(made)
        };
        again(add).await
    }

    async fn change_draft(
        &self,
        id: u64,
        new: &DraftChange,
        note: &Note,
    ) -> Result<DraftOutcome<DraftRecord>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let changed = query::run(&mut *change, CHANGE, |to| {
                to.text(Some(&new.body));
                to.time(Some(note.at));
                to.id(id);
                to.id(new.revision);
            });
            if changed.await?.rows == 0 {
                return Ok(other(draft(&mut *change, id).await?));
            }
            if let Some(plan) = &new.plan {
                query::run(&mut *change, SET_PLAN, |to| {
                    to.bytes(plan);
                    to.id(id);
                })
                .await?;
            }
            let (was, became) = (new.was.as_ref(), new.became.as_ref());
            add_log(&mut *change, note, new.what, Some(&subject(id)), was, became).await?;
            let changed = draft(&mut *change, id).await?;
            commit::<B>(change).await?;
            let changed = changed.ok_or_else(|| StoreError::broken("a draft is not there"))?;
            Ok(DraftOutcome::Done(changed))
        };
        again(make).await
    }

    async fn drop_draft(&self, id: u64, note: &Note) -> Result<bool, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let dropped = query::run(&mut *change, DROP, |to| to.id(id)).await?.rows > 0;
            if dropped {
                add_log(&mut *change, note, "draft.drop", Some(&subject(id)), None, None).await?;
            }
            commit::<B>(change).await?;
            Ok(dropped)
        };
        again(make).await
    }

    async fn announce_draft(
        &self,
        id: u64,
        revision: u64,
        new: &NewConcert,
        note: &Note,
    ) -> Result<DraftOutcome<(ConcertId, Vec<ScheduleId>)>, StoreError> {
        let make = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            let spent = query::run(&mut *change, SPEND, |to| {
                to.time(Some(note.at));
                to.id(id);
                to.id(revision);
            });
            if spent.await?.rows == 0 {
                return Ok(other(draft(&mut *change, id).await?));
            }
            let Some((concert, schedules)) = setup::add_concert(&mut *change, new, None).await? else {
                return Err(StoreError::broken("a new concert has the id of another one"));
            };
            query::run(&mut *change, BECAME, |to| {
                to.id(concert.0.into());
                to.id(id);
            })
            .await?;
            let became = json!({"concert_id": concert.0, "title": new.title});
            add_log(&mut *change, note, "draft.announce", Some(&subject(id)), None, Some(&became)).await?;
            commit::<B>(change).await?;
            Ok(DraftOutcome::Done((concert, schedules)))
        };
        again(make).await
    }

    async fn add_picture(
        &self,
        image: ImageId,
        sizes: &[StoredPicture],
        note: &Note,
    ) -> Result<(), StoreError> {
        let add = || async {
            let mut held = self.hold().await?;
            let mut change = begin::<B>(&mut held).await?;
            forget_pictures(&mut *change, note.at - PICTURE_KEPT_UNUSED).await?;
            for size in sizes {
                let mut values = <B::Link as Link>::Values::default();
                values.uuid(Some(image.uuid()));
                values.id(size.width.into());
                values.text(Some(&size.mime));
                values.bytes(&size.bytes);
                values.time(Some(note.at));
                // One that is there is the same.
                let _ = change.run_unless_there(ADD_PICTURE.into_sql_str(), values).await?;
            }
            query::run(&mut *change, SEE_PICTURE, |to| {
                to.time(Some(note.at));
                to.uuid(Some(image.uuid()));
            })
            .await?;
            add_log(&mut *change, note, "image.add", Some(&format!("image {image}")), None, None).await?;
            commit::<B>(change).await
        };
        again(add).await
    }

    async fn picture(&self, image: ImageId, width: u32) -> Result<Option<StoredPicture>, StoreError> {
        let mut values = <B::Link as Link>::Values::default();
        values.uuid(Some(image.uuid()));
        values.id(width.into());
        let row = query::one(&mut *self.reader().await?, PICTURE, values).await?;
        let read = |row: &<B::Link as Link>::Row| {
            Ok(StoredPicture {
                width: row.number("width")?,
                mime: row.text("mime")?.to_owned(),
                bytes: row.bytes("bytes")?.to_vec(),
            })
        };
        row.as_ref().map(read).transpose()
    }
}

/// Takes away the pictures of before this time that neither a concert nor a draft shows.
async fn forget_pictures<L: Link>(link: &mut L, before: Timestamp) -> Result<(), StoreError> {
    let mut values = L::Values::default();
    values.time(Some(before));
    values.id(OLD_PICTURES_AT_ONCE);
    let rows = link.all(OLD_PICTURES.into_sql_str(), values).await?;
    let mut old = rows.iter().map(|row| row.uuid("image_id")).collect::<Result<Vec<_>, _>>()?;
    for (sql, column) in [(SHOWN, "about"), (DRAFTED, "body")] {
        if old.is_empty() {
            return Ok(());
        }
        let rows = link.all(sql.into_sql_str(), query::numbers(&[])).await?;
        for row in &rows {
            let text = row.text(column)?;
            old.retain(|image| !text.contains(&image.simple().to_string()));
        }
    }
    for image in old {
        query::run(link, DROP_PICTURE, |to| to.uuid(Some(image))).await?;
    }
    Ok(())
}

impl ImageId {
    fn uuid(self) -> Uuid {
        Uuid::from_bytes(self.0)
    }
}

impl std::fmt::Display for ImageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.uuid().simple())
    }
}

impl std::str::FromStr for ImageId {
    type Err = ();

    /// Reads what `Display` writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let id = Uuid::try_parse(text).map(|id| Self(*id.as_bytes())).map_err(|_| ())?;
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}

/// What a line of the log calls a draft.
fn subject(draft: u64) -> String {
    format!("draft {draft}")
}

fn other<T>(found: Option<DraftRecord>) -> DraftOutcome<T> {
    found.map_or(DraftOutcome::NoSuchDraft, |is| DraftOutcome::IsOther(Box::new(is)))
}

async fn draft<L: Link>(link: &mut L, id: u64) -> Result<Option<DraftRecord>, StoreError> {
    query::one(link, DRAFT, query::numbers(&[id])).await?.as_ref().map(read_draft).transpose()
}

fn read_draft(row: &impl Cells) -> Result<DraftRecord, StoreError> {
    let concert = row.opt_int("concert_id")?;
    Ok(DraftRecord {
        id: row.number("draft_id")?,
        revision: row.number("revision")?,
        body: row.text("body")?.to_owned(),
        made_at: row.time("made_at")?,
        changed_at: row.time("changed_at")?,
        concert: concert
            .map(|id| u32::try_from(id).map(ConcertId).map_err(|error| StoreError::Broken(error.into())))
            .transpose()?,
    })
}
