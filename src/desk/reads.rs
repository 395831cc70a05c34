//! Reads for both doors: from committed copies first, the store for what they do not keep.

use std::sync::Arc;

use frontrow_protocol::{ErrorObject, Method};

use super::context::Context;
use super::identity::unavailable;
use super::operators::Badge;
use super::outcome::Outcome;
use super::request::Reading;
use super::translate;
use super::visitor::Audience;
use crate::dispatcher::{Rows, Unapplied};
use crate::domain::ids::{ConcertId, QueueToken, ScheduleId, UserId};
use crate::domain::record::TokenRecord;
use crate::domain::time::Timestamp;
use crate::fanout::SaleView;
use crate::limits::{self, LAST_TOKENS_MAX, RESERVATIONS_LISTED_MAX};
use crate::store::StoreError;

/// The number of times that somebody's rows are read who changes them meanwhile.
const READS_OF_ONE_MAX: usize = 3;

/// A question about something outside the lanes.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// The owner of an access token, and until when it is valid. Answered by `Found::User` or `Found::Operator`.
    Identify { access_token: String },
    /// The owner of a queue token. Answered by `Found::Owner`.
    OwnerOf(QueueToken),
    /// The sale in which the user has a token, the live one first. Answered by `Found::Sale`.
    SaleOf(UserId),
    /// `only`: as far as it is of this sale. Answered by `Found::Outcome`.
    Of { user: UserId, only: Option<ConcertId>, reading: Reading },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The owner of an access token that is valid until `ends_at` (UTC).
    User {
        user: UserId,
        guest: bool,
        ends_at: Timestamp,
        /// They are an operator as well.
        badge: Option<Badge>,
    },
    /// An operator whose token names no user, and until when it is valid.
    Operator {
        badge: Badge,
        ends_at: Timestamp,
    },
    /// The owner of a queue token.
    Owner {
        user: UserId,
        guest: bool,
    },
    Sale(Option<ConcertId>),
    Outcome(Box<Outcome>),
}

fn out_of_reach() -> ErrorObject {
    ErrorObject::unavailable(limits::UNAVAILABLE_RETRY_AFTER.as_millis() as u64)
}

impl Context {
    /// The sale that sells this performance, which is no rehearsal's. While sales are still being recovered, or run elsewhere,
    /// one that is not known may yet appear.
    pub fn sale_of_schedule(&self, schedule: ScheduleId) -> Result<Arc<SaleView>, ErrorObject> {
        self.sale_of_schedule_for(Audience::Everybody, schedule)
    }

    /// The same, as far as somebody may know of it.
    pub fn sale_of_schedule_for(
        &self,
        audience: Audience,
        schedule: ScheduleId,
    ) -> Result<Arc<SaleView>, ErrorObject> {
        let found = match audience {
            Audience::Everybody => self.fanout.sale_of_schedule(schedule),
            Audience::Rehearsal => self.fanout.rehearsal_of_schedule(schedule),
        };
        match found {
            Some(view) => Ok(view),
            None if self.dispatcher.knows_every_sale() => Err(ErrorObject::schedule_not_found()),
            None => Err(ErrorObject::unavailable(limits::UNAVAILABLE_RETRY_AFTER.as_millis() as u64)),
        }
    }

    /// The same, for an operator: a sale with nothing left to run is loaded for them.
    pub async fn woken_sale_of_schedule(&self, schedule: ScheduleId) -> Result<Arc<SaleView>, ErrorObject> {
        if let Some(view) = self.fanout.sale_of_schedule(schedule) {
            return Ok(view);
        }
        let concert = self.read(self.store.concert_of_schedule(schedule)).await?;
        self.wake(concert.ok_or_else(ErrorObject::schedule_not_found)?).await?;
        self.sale_of_schedule(schedule)
    }

    /// Has a sale run that has nothing left to run, unless it is archived. The caller knows that the concert exists.
    pub async fn wake(&self, concert: ConcertId) -> Result<(), ErrorObject> {
        if self.fanout.sale(concert).is_none() && self.read(self.store.is_archived(concert)).await? {
            return Err(ErrorObject::archived());
        }
        self.dispatcher.wake(concert).await.map_err(|refusal| translate::refusal(&refusal))
    }

    /// Reads from the store, for as long as a caller waits. While it is known to be out, a read that does not answer at
    /// once is given up: trying to reach it again is the lanes' business, and everybody else is asked to come back.
    pub async fn read<T>(
        &self,
        reading: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ErrorObject> {
        let given_up = async {
            self.dispatcher.store_is_out().await;
            tokio::time::sleep(limits::READ_PATIENCE_WHILE_OUT).await;
        };
        tokio::select! {
            biased;
            read = reading => read.map_err(|error| unavailable(&error)),
            () = given_up => Err(out_of_reach()),
            () = self.clock.run_out(limits::READ_PATIENCE) => Err(out_of_reach()),
        }
    }

    /// Reads rows that follow what is committed: nobody reads less of them than was confirmed before. Waits for the tables.
    pub async fn read_confirmed<T, F>(&self, rows: Rows, reading: impl Fn() -> F) -> Result<T, ErrorObject>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        tokio::select! {
            biased;
            have = self.read(self.dispatcher.tables_have(rows)) => have?,
            () = self.clock.run_out(limits::TABLES_PATIENCE) => return Err(out_of_reach()),
        }
        self.read(reading()).await
    }

    /// Reads rows of a user, and what the tables do not have of them yet: a fan waits for no table.
    async fn read_own<T, F>(
        &self,
        user: UserId,
        reading: impl Fn() -> F,
        laid_over: impl Fn(&Unapplied, T) -> T,
    ) -> Result<T, ErrorObject>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut read = self.read_own_once(user, &reading).await?;
        for _ in 1..READS_OF_ONE_MAX {
            // What money made is written at once: read together with rows of before, it would tell two stories.
            if !self.dispatcher.has_more_of(user, &read.0) {
                break;
            }
            read = self.read_own_once(user, &reading).await?;
        }
        Ok(laid_over(&read.0, read.1))
    }

    async fn read_own_once<T, F>(
        &self,
        user: UserId,
        reading: &impl Fn() -> F,
    ) -> Result<(Unapplied, T), ErrorObject>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let unapplied = tokio::select! {
            biased;
            unapplied = self.read(self.dispatcher.unapplied_of(user)) => unapplied?,
            () = self.clock.run_out(limits::TABLES_PATIENCE) => return Err(out_of_reach()),
        };
        Ok((unapplied, self.read(reading()).await?))
    }

    /// Changes something in the store without a lane. When it hangs, nobody knows what will become of it.
    pub async fn change<T>(
        &self,
        changing: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ErrorObject> {
        tokio::select! {
            biased;
            changed = changing => changed.map_err(|error| unavailable(&error)),
            () = self.clock.run_out(limits::CHANGE_PATIENCE) => Err(ErrorObject::outcome_unknown()),
        }
    }

    /// Everything that is missing before every sale can be served here; empty when ready. Answers soon, whatever hangs.
    pub async fn unready(&self) -> Vec<String> {
        let mut missing = self.dispatcher.unready();
        tokio::select! {
            biased;
            pinged = self.read(self.store.ping()) => {
                if let Err(error) = pinged {
                    missing.insert(0, format!("the store does not answer: {}", error.message));
                }
            }
            () = self.clock.run_out(limits::READY_PATIENCE) => {
                missing.insert(0, "the store does not answer in time".to_owned());
            }
        }
        missing
    }

    /// The user's newest token of each sale, newest first.
    pub async fn tokens_of(&self, user: UserId) -> Result<Vec<TokenRecord>, ErrorObject> {
        let reading = || self.store.last_tokens(user);
        let laid_over =
            |unapplied: &Unapplied, rows| unapplied.over_last_tokens(rows, LAST_TOKENS_MAX as usize);
        self.read_own(user, reading, laid_over).await
    }

    /// Answers a session's question.
    pub async fn find(&self, question: Question) -> Result<Found, ErrorObject> {
        let outcome = match question {
            Question::Identify { access_token } => {
                let identity = self.bearer_of(&access_token).await?;
                let ends_at = identity.ends_at.ok_or_else(ErrorObject::internal)?;
                let badge = identity.badge(access_token);
                return match (identity.user, badge) {
                    (Some(user), badge) => Ok(Found::User { user, guest: identity.guest, ends_at, badge }),
                    (None, Some(badge)) => Ok(Found::Operator { badge, ends_at }),
                    (None, None) => Err(ErrorObject::forbidden("this token names nobody")),
                };
            }
            Question::OwnerOf(token) => {
                let identity = self.owner_of(token).await?;
                identity.may_request(Method::Hello, self.clock.utc())?;
                return Ok(Found::Owner { user: identity.user()?, guest: identity.guest });
            }
            Question::SaleOf(user) => {
                let tokens = self.tokens_of(user).await?;
                let live = tokens.iter().find(|token| token.status.is_live());
                return Ok(Found::Sale(live.or(tokens.first()).map(|token| token.concert)));
            }
            Question::Of { user, only, reading } => self.read_of(user, only, reading).await?,
        };
        Ok(Found::Outcome(Box::new(outcome)))
    }

    /// The rows that the store has of this user.
    pub async fn read_of(
        &self,
        user: UserId,
        only: Option<ConcertId>,
        reading: Reading,
    ) -> Result<Outcome, ErrorObject> {
        let is_meant = |concert| only.is_none_or(|only| only == concert);
        Ok(match reading {
            Reading::Reservations => {
                let reading = || self.store.reservations(user);
                let laid_over = |unapplied: &Unapplied, rows| {
                    unapplied.over_reservations(rows, RESERVATIONS_LISTED_MAX as usize)
                };
                let mut reservations = self.read_own(user, reading, laid_over).await?;
                reservations.retain(|reservation| is_meant(reservation.concert));
                Outcome::Reservations(reservations)
            }
            Reading::Balance => {
                let balance = self.read(self.store.balance(user)).await?;
                Outcome::Balance(balance.ok_or_else(ErrorObject::user_not_found)?)
            }
            Reading::History { before, limit } => {
                let entries = self.read(self.store.history(user, before, limit)).await?;
                // Charges are about nothing; of one who only charged nothing more is read.
                let about = match entries.iter().any(|entry| entry.payment.is_some()) {
                    true => {
                        let mut tickets = self.read(self.store.tickets(user)).await?;
                        tickets.append(&mut self.read(self.store.cancelled_tickets(user)).await?);
                        tickets
                    }
                    false => Vec::new(),
                };
                Outcome::History(entries, about)
            }
            Reading::Tickets => {
                let mut valid = self.read(self.store.tickets(user)).await?;
                let mut cancelled = self.read(self.store.cancelled_tickets(user)).await?;
                for list in [&mut valid, &mut cancelled] {
                    list.retain(|ticket| is_meant(ticket.concert));
                }
                Outcome::Tickets(valid, cancelled)
            }
        })
    }
}
