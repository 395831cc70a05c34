//! What `Forwarding` does for copies of sales that other servers run: it has them read, takes in what comes, and publishes it
//! to the fans of this server.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::copies::{Loaded, LoadedNews, News, TakenIn};
use super::copy_reads::{CopyReads, Read, read};
use super::forwarding::Forwarding;
use super::lane_of;
use super::sales::SaleStatus;
use super::told::{Owner, Told};
use crate::bus::carrier::To;
use crate::bus::message::{Running, Said};
use crate::bus::wire;
use crate::domain::command::{Answer, Command};
use crate::domain::event::Event;
use crate::domain::ids::{ConcertId, ConnectionId, NodeNo, UserId};
use crate::domain::record::{TokenRecord, TokenStatus};
use crate::domain::time::Timestamp;
use crate::fanout::{Reply, ReplyTo, SaleView};
use crate::limits;
use crate::store::Missed;

impl Forwarding {
    /// Each sale that another server runs has a copy, and no other sale has.
    pub(super) fn look_after_copies(&self, now: Timestamp) {
        let sales = &self.shared.sales;
        let known = self.exchange.copies.lock().those(|_| true);
        let (mut meant, mut copied) = (Vec::new(), BTreeSet::new());
        for (concert, status) in sales.all() {
            match status {
                SaleStatus::Elsewhere(_) => meant.push((concert, self.fanout.sale(concert))),
                // Nobody runs it at this moment, and whoever does next may be another server again.
                SaleStatus::Loading | SaleStatus::Handed if known.binary_search(&concert).is_ok() => {
                    meant.push((concert, None));
                }
                SaleStatus::Loading | SaleStatus::Handed | SaleStatus::Running => {}
            }
        }
        for concert in &known {
            if meant.binary_search_by_key(concert, |(concert, _)| *concert).is_err() {
                self.drop_copy(*concert, now);
            }
        }
        self.exchange.read_sales(sales.all().into_iter().map(|(concert, _)| concert).collect());
        let mut copies = self.exchange.copies.lock();
        copies.begin(meant, now);
        for (concert, node, epoch) in self.shared.cluster.owners() {
            copies.learn(concert, Owner { node, epoch }, now);
        }
        copied.extend(copies.those(|concert| copies.has(concert)));
        drop(copies);
        sales.set_copied(copied);
        self.name_present(now);
    }

    /// Somebody runs this sale who spoke of it: there is a copy from now on, if there is to be one.
    pub(super) fn begin_copy(&self, concert: ConcertId, now: Timestamp) {
        let is_elsewhere = || matches!(self.shared.sales.status(concert), Some(SaleStatus::Elsewhere(_)));
        if !self.exchange.copies.lock().is_begun(concert) && is_elsewhere() {
            let shown = self.fanout.sale(concert);
            self.exchange.copies.lock().begin(vec![(concert, shown)], now);
        }
    }

    /// The sale runs here by now, or is over.
    pub(super) fn drop_copy(&self, concert: ConcertId, now: Timestamp) {
        let mut copies = self.exchange.copies.lock();
        let (held, told) = (copies.all_held(concert), copies.forget(concert));
        self.exchange.state.lock().gateway.keeps_back(concert, 0);
        drop(copies);
        told.into_iter().for_each(|told| self.hand_on(told));
        if let Some(view) = self.fanout.any_sale(concert) {
            held.into_iter().for_each(|(user, news)| self.publish_all(&view, user, news, now));
        }
    }

    /// Names those who are present here to whoever runs a sale since a moment ago: they did not leave.
    pub(super) fn name_present(&self, now: Timestamp) {
        let new = self.exchange.copies.lock().new_owners();
        for concert in new {
            let present = self.fanout.visitors_of(concert);
            for some in present.chunks(limits::PRESENT_AT_ONCE) {
                self.are_present(concert, some.to_vec(), now);
            }
        }
    }

    fn are_present(&self, concert: ConcertId, connections: Vec<(UserId, ConnectionId)>, now: Timestamp) {
        let command = Command::Present { connections };
        // It is never refused.
        let _ = self.exchange.state.lock().gateway.forward(concert, command, ReplyTo::Nobody, now);
    }

    /// Says how the sales stand that run here.
    pub(super) fn say_what_runs(&self, now: Timestamp) {
        let shared = &self.shared;
        let running = {
            let mut frames = self.exchange.frames.lock();
            frames.forget(now);
            let lanes = shared.tables.len();
            frames.running(|concert| shared.tables[lane_of(concert, lanes)].applied_of(concert))
        };
        self.exchange.know_others(shared.cluster.living() > 1);
        for some in running.chunks(limits::NAMED_AT_ONCE_MAX) {
            let sales = some.iter().map(|running| Bytes::from(wire::encode(running))).collect();
            self.exchange.say(To::All, Said::Running { sales }, now);
        }
    }

    pub(super) fn hear_what_runs(&self, from: NodeNo, sales: &[Bytes], now: Timestamp) {
        for text in sales {
            // One of a newer release says by its rows what there is to know.
            let Ok(running) = wire::decode::<Running>(text) else { continue };
            let owner = Owner { node: from, epoch: running.epoch };
            self.exchange.state.lock().gateway.learn(running.concert, owner);
            self.exchange.copies.lock().stands(from, &running, now);
            self.take_in(running.concert, now);
        }
        self.name_present(now);
    }

    /// Takes in what came of a sale as far as there is no hole, and tells everybody whom it concerns.
    pub(super) fn take_in(&self, concert: ConcertId, now: Timestamp) {
        loop {
            let taken = self.exchange.copies.lock().next(concert, now);
            let Some(taken) = taken else { break };
            self.publish(concert, taken, now);
            self.hand_on_ripe(concert);
        }
        self.hand_on_ripe(concert);
    }

    fn hand_on_ripe(&self, concert: ConcertId) {
        let mut copies = self.exchange.copies.lock();
        let ripe = copies.ripe(concert);
        if !ripe.is_empty() {
            self.exchange.state.lock().gateway.keeps_back(concert, copies.kept_back(concert));
        }
        drop(copies);
        ripe.into_iter().for_each(|told| self.hand_on(told));
    }

    fn publish(&self, concert: ConcertId, TakenIn { view, seq, events }: TakenIn, now: Timestamp) {
        let held: BTreeSet<UserId> = {
            let state = self.exchange.state.lock();
            let users = events.iter().filter_map(Event::user);
            users.filter(|user| state.gateway.is_held(concert, *user)).collect()
        };
        let mut is_over = false;
        for (number, event) in (1..).zip(events.iter()) {
            match event {
                Event::ScheduleAdded(added) => {
                    let supervisor = &self.shared.supervisor;
                    self.fanout.show_performance(&view, added.schedule, &self.home, supervisor);
                }
                Event::Archived(_) => is_over = true,
                Event::Joined(token) => self.has_windows(token, held.contains(&token.user), now),
                _ => {}
            }
            match event.user().filter(|user| held.contains(user)) {
                Some(user) => {
                    let what = News::Happened(event.clone());
                    self.exchange.copies.lock().hold(concert, user, (seq, number), what);
                }
                None => self.fanout.publish(&view, event, view.now(now), None),
            }
        }
        let overdue = self.exchange.copies.lock().overdue(concert);
        for user in overdue {
            let news = self.exchange.copies.lock().held_until(concert, user, (u64::MAX, u32::MAX));
            self.publish_all(&view, user, news, now);
        }
        if is_over {
            tracing::info!(concert.id = concert.0, "a sale is archived");
            self.drop_copy(concert, now);
            self.fanout.hide(concert);
            self.fanout.forget(concert);
            self.shared.sales.forget(concert);
        }
    }

    /// Whoever joined may have windows open here that the sale does not know of. Most have one, by which they joined.
    fn has_windows(&self, token: &TokenRecord, asks_here: bool, now: Timestamp) {
        let windows = self.fanout.connections_of(token.user);
        if windows.len() > usize::from(asks_here) {
            let present = windows.into_iter().map(|connection| (token.user, connection)).collect();
            self.are_present(token.concert, present, now);
            self.exchange.work.notify_one();
        }
    }

    /// Hands an answer on, behind what its asker was to hear before it.
    pub(super) fn hand_on(&self, told: Told) {
        let Told { concert, holds, at, to, mut reply } = told;
        let now = self.exchange.clock.steady();
        self.move_up(concert, &mut reply, now);
        if let Some(user) = holds {
            self.publish_held(concert, user, at, now);
        }
        self.fanout.answer(to, reply);
        if let Some(user) = holds {
            self.let_go(concert, user);
        }
    }

    /// A place that was answered is told as it is by now: since then those who wait have heard how the line went on.
    fn move_up(&self, concert: ConcertId, reply: &mut Reply, now: Timestamp) {
        let Ok(Answer::Queue { place, .. } | Answer::Resumed { place, .. }) = reply else { return };
        let Some(view) = self.fanout.any_sale(concert).filter(|view| view.is_copy()) else { return };
        // What became of one that does not wait any more is told next.
        if place.line.is_some()
            && let Some(by_now) = view.place_in_line(&place.record, view.now(now))
        {
            *place = by_now;
        }
    }

    /// Another command of this user is answered, or another server's to answer no more.
    pub(super) fn let_go(&self, concert: ConcertId, user: UserId) {
        let is_held = self.exchange.state.lock().gateway.let_go(concert, user);
        if !is_held {
            self.publish_held(concert, user, (u64::MAX, u32::MAX), self.exchange.clock.steady());
        }
    }

    fn publish_held(&self, concert: ConcertId, user: UserId, until: (u64, u32), now: Timestamp) {
        let news = self.exchange.copies.lock().held_until(concert, user, until);
        if let Some(view) = self.fanout.any_sale(concert).filter(|_| !news.is_empty()) {
            self.publish_all(&view, user, news, now);
        }
    }

    fn publish_all(&self, view: &SaleView, user: UserId, news: Vec<News>, now: Timestamp) {
        for news in news {
            match news {
                News::Happened(event) => self.fanout.publish(view, &event, view.now(now), None),
                News::Is(reservation) => {
                    self.fanout.republish(&[], &[reservation]);
                    self.fanout.publish_charge(user, None);
                }
            }
        }
    }

    /// Asks for what is missing, has copies read, and tells those who have waited too long.
    pub(super) fn look_what_is_missing(&self, reads: &mut CopyReads, now: Timestamp) {
        let (asks, late, to_read) = {
            let mut copies = self.exchange.copies.lock();
            let (asks, late) = copies.look(now);
            let mut state = self.exchange.state.lock();
            for told in &late {
                state.gateway.keeps_back(told.concert, copies.kept_back(told.concert));
            }
            (asks, late, copies.begin_reads(now))
        };
        for ask in asks {
            self.shared.metrics.copies_behind.inc();
            let said = Said::Missed { concert: ask.concert, from: ask.from };
            self.exchange.say(To::Node(ask.owner), said, now);
        }
        late.into_iter().for_each(|told| self.hand_on(told));
        if to_read.is_empty() {
            return;
        }
        let mut users: Vec<UserId> = self.fanout.connected().into_iter().map(|(user, _)| user).collect();
        users.sort_unstable();
        users.dedup();
        for (concert, since) in to_read {
            self.shared.metrics.copies_read.inc();
            let missed = since.map(|since| Missed { since, users: users.clone() });
            let (store, defaults) = (self.shared.store.clone(), self.defaults.clone());
            reads.begin(&self.home, async move {
                let copy = read(&*store, concert, now, missed, defaults).await;
                Read { concert, copy }
            });
        }
    }

    /// A copy was read.
    pub(super) fn is_read(&self, Read { concert, copy }: Read) {
        let now = self.exchange.clock.steady();
        let (view, rows) = match copy {
            Ok(copy) => copy,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    concert.id = concert.0,
                    error,
                    "could not read a sale that another server runs"
                );
                return self.exchange.copies.lock().not_loaded(concert, now);
            }
        };
        let applied = rows.applied;
        let loaded = self.exchange.copies.lock().loaded(concert, &view, rows, now);
        let (view, news) = match loaded {
            Loaded::Nothing => return,
            Loaded::Tell(view, news) => (view, news),
            Loaded::Show(view, news) => {
                if !self.fanout.show_copy(view.clone(), &self.home, &self.shared.supervisor) {
                    return self.drop_copy(concert, now);
                }
                (view, news)
            }
        };
        self.tell_news(concert, &view, *news, applied, now);
        self.take_in(concert, now);
    }

    fn tell_news(
        &self,
        concert: ConcertId,
        view: &SaleView,
        LoadedNews { places, reservations }: LoadedNews,
        applied: u64,
        now: Timestamp,
    ) {
        let places = places.into_iter().map(|token| {
            let (user, is) = (token.user, token.status);
            let event = match is {
                TokenStatus::Waiting => Event::Joined(token),
                TokenStatus::Progress => Event::Admitted(token),
                TokenStatus::Done | TokenStatus::Expired(_) => Event::TokenEnded(token),
            };
            (user, News::Happened(event))
        });
        let reservations = reservations.into_iter().map(|held| (held.user, News::Is(held)));
        for (user, news) in places.chain(reservations) {
            let is_held = self.exchange.state.lock().gateway.is_held(concert, user);
            match is_held {
                true => self.exchange.copies.lock().hold(concert, user, (applied, u32::MAX), news),
                false => self.publish_all(view, user, vec![news], now),
            }
        }
    }
}
