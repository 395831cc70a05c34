//! The tests that every backend must pass, written once against the trait. Each test gets a store of its own, freshly
//! made.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use frontrow::domain::actor::{Actor, Who};
use frontrow::domain::command::Needs;
use frontrow::domain::concert::Texts;
use frontrow::domain::event::{
    Archived, By, CalledOff, Description, Event, HoldEnd, HouseSeats, PriceChange, RefundWhy, Refunded,
    Repricing, Rescheduled, ScheduleAdded, SeatMoved, SoldAtDesk,
};
use frontrow::domain::ids::{
    AddressBlock, ConcertId, EntryNo, IdSource, NodeNo, OperatorId, ReservationId, ScheduleId, SeatId, UserId,
};
use frontrow::domain::membership::{About, Member, MemberState};
use frontrow::domain::record::{
    BestRequest, ExpiryReason, LedgerEntry, LedgerKind, Payment, PaymentSource, PaymentStatus, Reservation,
    ReservationStatus, SaleState, ScheduleState, Takings, Ticket, TokenRecord, TokenStatus,
};
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::domain::seat_plan::Money;
use frontrow::domain::time::Timestamp;
use frontrow::domain::token_secret::TokenSecret;
use frontrow::store::rehearsals::Cleared;
use frontrow::store::unfinished::UnfinishedSchedule;
use frontrow::store::{
    Batch, BatchWriter, Behind, CommitError, End, Ends, Facts, Following, Holder, JournalPosition,
    LoadedSale, Missed, NewConcert, NewUser, SaleBatch, ScheduleRecord, SeatStatus, Store, StoreError,
    StoredTicket, SweepPage, TableWriter, WalletCurrency, WriterId, random_id,
};
use frontrow::venue::{LayoutCategory, LayoutRow, LayoutZone, SeatColumns, VenueLayout};
use futures_util::future::join_all;

/// Makes a test of every function here for one backend. `$open` gives `(store, whatever must outlive it)`.
#[macro_export]
macro_rules! conformance_tests {
    ($open:expr; $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (store, _keep) = $open.await;
            $crate::conformance::$name(&store).await;
        }
    )*};
    ($open:expr) => {
        $crate::conformance_tests!($open;
            a_new_concert_is_loaded_as_it_was_stored
            the_first_concert_is_made_once
            the_same_concert_is_announced_once
            wallets_are_in_the_first_concerts_currency_until_an_operator_decides
            a_user_has_a_wallet_and_its_ledger
            a_subject_is_one_user
            a_line_is_kept_in_order
            a_token_that_ended_is_found_by_its_user_and_by_itself
            held_seats_are_kept_and_given_back
            seats_that_the_house_keeps_are_nobodys
            orders_keep_the_prices_of_their_seats
            what_becomes_of_a_performance_and_of_its_orders_is_kept
            a_performance_is_made_ready_and_added
            a_performance_that_was_given_up_is_taken_away
            an_archived_concert_is_run_no_more
            a_purchase_is_kept_whole
            a_refund_frees_the_seats_and_voids_the_tickets
            seats_of_an_order_come_back_one_after_the_other
            a_sold_seat_becomes_another_one
            a_seat_refunded_and_sold_again_in_one_batch_has_one_valid_ticket
            what_the_box_office_sells_is_kept_whole
            a_charge_and_a_payment_in_one_batch_leave_the_last_balance
            a_charge_made_before_is_found_by_its_request
            a_ledger_tells_what_was_added_since
            what_users_bought_is_counted
            settings_are_kept
            what_is_said_of_a_concert_is_kept
            a_batch_larger_than_any_statement_is_kept_whole
            a_batch_is_kept_of_all_its_sales_or_of_none
            one_batch_may_hold_many_sales
            a_replaced_writer_can_add_nothing_more
            a_claim_replaces_whom_it_names_and_nobody_else
            of_claims_that_race_one_wins_each_time
            each_life_of_a_server_has_a_row_that_it_changes
            outages_are_counted_once
            a_sale_given_free_can_be_claimed_at_once
            a_sale_given_away_names_its_heir_until_it_is_claimed
            settling_tells_a_committed_batch_from_a_lost_one
            settling_finds_charges_by_themselves
            what_breaks_a_rule_is_refused_whole
            a_ledger_entry_that_does_not_continue_its_wallet_is_refused
            a_lane_can_let_go
            tables_follow_in_steps_that_are_taken_once
            what_ended_soon_is_written_as_it_ended
            guests_of_what_is_caught_up_with_are_kept_for_as_long_as_they_hold
            a_copy_tells_those_who_missed_something_what_became_of_it
            a_sweep_sees_what_is_over_and_one_page_of_each_table
            only_concerts_with_something_left_are_run
            reservations_of_a_user_are_found_wherever_they_lie
            what_does_not_exist_is_none_or_named
            an_honest_evening_is_audited_clean
        );
    };
}

/// The prices of the seats of `VIP` and of the rest.
const VIP: Money = 100;
const REST: Money = 60;

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);
const TTL: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);

/// One concert with two schedules of the same ten rows, and the writer of its sale.
pub struct World<'s> {
    pub store: &'s dyn Store,
    pub lane: Box<dyn BatchWriter>,
    pub tables: Box<dyn TableWriter>,
    pub writer: WriterId,
    pub concert: ConcertId,
    pub schedules: Vec<ScheduleId>,
    pub journal: JournalPosition,
    pub token_secret: TokenSecret,
    pub ids: IdSource,
    entries: u64,
}

pub fn layout(seats: usize) -> VenueLayout {
    let vip = seats.div_ceil(10);
    let category = |name: &str, price| LayoutCategory { name: name.into(), color: "#333".into(), price };
    VenueLayout {
        name: "Town Hall".into(),
        categories: vec![category("VIP", VIP), category("Rest", REST)],
        zones: vec![LayoutZone { name: "Floor".into() }],
        rows: vec![LayoutRow { zone: 0, label: "A".into(), row_label: None, seat_label: None }],
        seats: SeatColumns {
            x: (0..seats).map(|seat| seat as f64).collect(),
            y: vec![0.0; seats],
            row: vec![0; seats],
            number: (1..=seats).map(|number| number.to_string()).collect(),
            category: (0..seats).map(|seat| u16::from(seat >= vip)).collect(),
            label: (1..=seats).map(|number| format!("A-{number}")).collect(),
            ..SeatColumns::default()
        },
        ..VenueLayout::default()
    }
}

pub fn settings() -> SaleSettings {
    SaleSettings { state: SaleState::Open, opens_at: None, message: None, own: OwnRules::default() }
}

pub fn new_concert(seats: usize) -> NewConcert {
    NewConcert {
        title: "First Night".into(),
        currency: "KRW".into(),
        time_zone: Some("Asia/Seoul".into()),
        layout: layout(seats),
        starts_at: vec![NOW + 30 * DAY, NOW + 31 * DAY],
        restricted: Vec::new(),
        about: None,
        again: true,
        settings: settings(),
        at: NOW,
    }
}

pub async fn add_concert(store: &dyn Store, seats: usize) -> (ConcertId, Vec<ScheduleId>) {
    store.add_concert(new_concert(seats)).await.unwrap()
}

impl<'s> World<'s> {
    pub async fn new(store: &'s dyn Store, seats: usize) -> Self {
        let (concert, schedules) = add_concert(store, seats).await;
        let writer = WriterId(random_id());
        store.claim(concert, writer, NOW, None).await.unwrap();
        let LoadedSale { journal, token_secret, .. } = store.load_sale(concert, NOW).await.unwrap();
        let token_secret = token_secret.expect("the claim gave it one");
        let lane = store.open_writer().await.unwrap();
        let tables = store.open_table_writer().await.unwrap();
        let ids = IdSource::seeded([3; 32]);
        Self { store, lane, tables, writer, concert, schedules, journal, token_secret, ids, entries: 0 }
    }

    /// The writer takes its sale, which may be somebody else's by now.
    pub async fn claim_again(&mut self) {
        self.store.claim(self.concert, self.writer, NOW, None).await.unwrap();
        self.journal = self.load().await.journal;
    }

    pub async fn load(&self) -> LoadedSale {
        self.store.load_sale(self.concert, NOW).await.unwrap()
    }

    pub async fn user(&self, balance: Money) -> UserId {
        self.store.add_user(NewUser { name: "Fan".into(), balance, guest: false, at: NOW }).await.unwrap()
    }

    pub fn batch(&self, events: Vec<Event>, charges: Vec<LedgerEntry>) -> Batch {
        let sale =
            SaleBatch { concert: self.concert, seq: self.journal.seq + 1, after: self.journal.batch, events };
        let sales = if sale.events.is_empty() { Vec::new() } else { vec![sale] };
        Batch { id: random_id(), writer: self.writer, at: NOW, sales, charges }
    }

    /// Has the tables follow a batch that was committed.
    pub async fn follow(&mut self, batch: &Batch) {
        for sale in &batch.sales {
            let behind = self.store.behind().await.unwrap();
            let behind = behind.iter().find(|of| of.concert == sale.concert).expect("it was committed");
            // Void rows may lie in between.
            let mut events = vec![Arc::default(); (sale.seq - behind.applied - 1) as usize];
            events.push(Arc::new(sale.events.clone()));
            let (concert, writer) = (sale.concert, batch.writer);
            let rows = following(concert, writer, (behind.applied, sale.seq), events);
            assert_eq!(self.tables.follow(&rows).await.unwrap(), sale.seq);
        }
    }

    /// What follows of a batch if the tables have all that there is below it.
    pub fn following(&self, batch: &Batch) -> Following {
        let sale = &batch.sales[0];
        let (concert, writer, events) = (sale.concert, batch.writer, vec![Arc::new(sale.events.clone())]);
        following(concert, writer, (sale.seq - 1, sale.seq), events)
    }

    /// Commits a batch as a lane does, wallets read first, and has the tables follow.
    pub async fn try_commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let wallets = frontrow::store::rows::Rows::at_once(batch).wallet_users();
        self.lane.begin(&Needs { wallets, ..Needs::default() }).await?;
        self.lane.commit(batch).await?;
        self.follow(batch).await;
        if let Some(sale) = batch.sales.iter().find(|sale| sale.concert == self.concert) {
            self.journal = JournalPosition { seq: sale.seq, batch: batch.id };
        }
        Ok(())
    }

    pub async fn commit(&mut self, events: Vec<Event>) {
        let batch = self.batch(events, Vec::new());
        self.try_commit(&batch).await.unwrap();
    }

    pub async fn facts(&mut self, needs: Needs) -> Facts {
        let facts = self.lane.begin(&needs).await.unwrap();
        self.lane.rollback().await.unwrap();
        facts
    }

    pub fn waiting(&mut self, user: UserId) -> TokenRecord {
        self.entries += 1;
        let entry = EntryNo(self.entries - 1);
        TokenRecord {
            concert: self.concert,
            entry,
            token: self.token_secret.token(self.concert, entry, user, NOW),
            user,
            status: TokenStatus::Waiting,
            entered_at: NOW,
            admitted_at: None,
            expires_at: None,
            ended_at: None,
        }
    }

    pub fn joining(&mut self, user: UserId) -> Vec<Event> {
        vec![Event::Joined(self.waiting(user))]
    }

    /// Joins and admits a user in one batch.
    pub async fn admit(&mut self, user: UserId) -> TokenRecord {
        let joined = self.waiting(user);
        let admitted = admitted(&joined);
        self.commit(vec![Event::Joined(joined), Event::Admitted(admitted.clone())]).await;
        admitted
    }

    pub fn held(&mut self, user: UserId, seats: &[u32]) -> Reservation {
        Reservation {
            id: self.ids.reservation(self.concert, NOW),
            concert: self.concert,
            schedule: self.schedules[0],
            user,
            status: ReservationStatus::TempReserved,
            seats: seats.iter().copied().map(SeatId).collect(),
            prices: Vec::new(),
            amount: seats.iter().map(|seat| price(SeatId(*seat))).sum(),
            opened_at: NOW,
            expires_at: NOW + TTL,
            ended_at: None,
            best_requests: Vec::new(),
            guest_of: None,
            payment: None,
        }
    }

    /// The reservation paid by a wallet that holds `balance`.
    pub fn paid(&mut self, held: &Reservation, balance: Money) -> Event {
        let id = self.ids.payment(NOW);
        let tickets = held.seats.iter().map(|&seat| Ticket {
            id: self.ids.ticket(NOW),
            schedule: held.schedule,
            seat,
            price: held.price(seat),
            code: self.ids.ticket_code().into(),
            cancelled_at: None,
            moved_from: None,
            moved_to: None,
        });
        let payment = Payment {
            id,
            reservation: held.id,
            user: held.user,
            source: PaymentSource::Wallet,
            amount: held.amount,
            status: PaymentStatus::Done,
            at: NOW,
            refunded: 0,
            refund_reason: None,
            tickets: tickets.collect(),
        };
        let ledger = LedgerEntry {
            id: self.ids.history(NOW),
            user: held.user,
            kind: LedgerKind::Payment,
            amount_change: -held.amount,
            balance: balance - held.amount,
            at: NOW,
            payment: Some(id),
            request_id: None,
        };
        let reservation =
            Reservation { payment: Some(payment), ..held.clone().ended(ReservationStatus::Reserved, NOW) };
        Event::Paid { reservation, ledger }
    }

    pub fn refunded(&mut self, paid: &Event) -> Event {
        self.refunded_why(paid, RefundWhy::Cancelled)
    }

    pub fn refunded_why(&mut self, paid: &Event, why: RefundWhy) -> Event {
        let Event::Paid { reservation, ledger } = paid else { panic!("only what was paid is refunded") };
        let (seats, amount) = (reservation.seats.clone(), reservation.amount);
        self.given_back(reservation, ledger, (&seats, amount), why)
    }

    /// These seats of a paid reservation come back for so much. `ledger`: the last entry of its user's.
    pub fn given_back(
        &mut self,
        paid: &Reservation,
        ledger: &LedgerEntry,
        (seats, amount): (&[SeatId], Money),
        why: RefundWhy,
    ) -> Event {
        let reservation = paid.clone().refunded(seats, amount, NOW + TTL, why.reason());
        let (at, seats) = (NOW + TTL, seats.to_vec());
        let ledger = LedgerEntry {
            id: self.ids.history(NOW),
            kind: LedgerKind::Refund,
            at,
            amount_change: amount,
            balance: ledger.balance + amount,
            ..ledger.clone()
        };
        Event::Refunded(Refunded { reservation, seats, amount, at, ledger: Some(ledger), why })
    }

    /// Seats sold at the desk of the first performance, for these prices.
    pub fn sold_at_desk(&mut self, user: UserId, seats: &[(u32, Money)], source: PaymentSource) -> Event {
        let (concert, schedule) = (self.concert, self.schedules[0]);
        let (id, payment) = (self.ids.reservation(concert, NOW), self.ids.payment(NOW));
        let tickets: Vec<_> = seats
            .iter()
            .map(|(seat, price)| Ticket {
                id: self.ids.ticket(NOW),
                schedule,
                seat: SeatId(*seat),
                price: Some(*price),
                code: self.ids.ticket_code().into(),
                cancelled_at: None,
                moved_from: None,
                moved_to: None,
            })
            .collect();
        let amount = seats.iter().map(|(_, price)| price).sum();
        let payment = Payment {
            id: payment,
            reservation: id,
            user,
            source,
            amount,
            status: PaymentStatus::Done,
            at: NOW,
            refunded: 0,
            refund_reason: None,
            tickets,
        };
        let reservation = Reservation {
            id,
            concert,
            schedule,
            user,
            status: ReservationStatus::Reserved,
            seats: seats.iter().map(|(seat, _)| SeatId(*seat)).collect(),
            prices: seats.iter().map(|(_, price)| *price).collect(),
            amount,
            opened_at: NOW,
            expires_at: NOW,
            ended_at: Some(NOW),
            best_requests: Vec::new(),
            guest_of: None,
            payment: Some(payment),
        };
        Event::SoldAtDesk(SoldAtDesk { reservation, note: Some("Row 1".into()), by: Actor::UNNAMED })
    }

    /// The same of what was sold at the desk: no wallet gets it.
    pub fn handed_back(
        &mut self,
        sold: &Reservation,
        (seats, amount): (&[SeatId], Money),
        why: RefundWhy,
    ) -> Event {
        let (at, seats) = (NOW + TTL, seats.to_vec());
        let reservation = sold.clone().refunded(&seats, amount, at, why.reason());
        Event::Refunded(Refunded { reservation, seats, amount, at, ledger: None, why })
    }

    /// A seat of a paid reservation becomes another one; its seats cost this then, if that is to be written.
    pub fn moved(&mut self, paid: &Reservation, (from, to): (u32, u32), prices: Vec<Money>) -> Event {
        let (from, to, at) = (SeatId(from), SeatId(to), NOW + TTL);
        let ticket = Ticket {
            id: self.ids.ticket(at),
            schedule: paid.schedule,
            seat: to,
            price: prices.first().copied(),
            code: self.ids.ticket_code().into(),
            cancelled_at: None,
            moved_from: Some(from),
            moved_to: None,
        };
        let (reservation, by) = (paid.clone().moved(from, ticket, prices, at), Actor::UNNAMED);
        Event::SeatMoved(SeatMoved { reservation, from, to, at, note: Some("Broken".into()), by })
    }

    pub fn charge(&mut self, user: UserId, amount: Money, before: Money, request: &str) -> LedgerEntry {
        LedgerEntry {
            id: self.ids.history(NOW),
            user,
            kind: LedgerKind::Charge,
            amount_change: amount,
            balance: before + amount,
            at: NOW,
            payment: None,
            request_id: Some(request.into()),
        }
    }

    /// Of each schedule, where they are not those of the layout.
    async fn prices(&self) -> Vec<Vec<(u16, Money)>> {
        self.load().await.schedules.into_iter().map(|loaded| loaded.prices).collect()
    }

    async fn seats(&self) -> Vec<(u32, SeatStatus, ReservationId)> {
        let sale = self.load().await;
        sale.schedules[0].taken.iter().map(|(seat, status, id)| (seat.0, *status, *id)).collect()
    }
}

pub fn admitted(token: &TokenRecord) -> TokenRecord {
    TokenRecord {
        status: TokenStatus::Progress,
        admitted_at: Some(NOW),
        expires_at: Some(NOW + TTL),
        ..token.clone()
    }
}

pub fn ended(token: &TokenRecord, status: TokenStatus) -> TokenRecord {
    TokenRecord { status, ended_at: Some(NOW + TTL), ..token.clone() }
}

pub fn opened(reservation: &Reservation) -> Event {
    held(reservation, &reservation.seats, true)
}

/// These of the reservation's seats were held.
pub fn held(reservation: &Reservation, seats: &[SeatId], opened: bool) -> Event {
    let prices = seats.iter().map(|seat| price(*seat)).collect();
    let (reservation, seats) = (reservation.clone(), seats.to_vec());
    Event::SeatsHeld { reservation, seats, prices, opened, request: None }
}

/// The same, for prices that are not those of the layout.
fn held_for(reservation: &Reservation, seats: &[SeatId], prices: &[Money], opened: bool) -> Event {
    let (reservation, seats, prices) = (reservation.clone(), seats.to_vec(), prices.to_vec());
    Event::SeatsHeld { reservation, seats, prices, opened, request: None }
}

fn price(seat: SeatId) -> Money {
    if seat.0 < 1 { VIP } else { REST }
}

/// Rows of a journal of whose events nothing is known but what they say.
fn following(
    concert: ConcertId,
    writer: WriterId,
    (from, to): (u64, u64),
    events: Vec<Arc<Vec<Event>>>,
) -> Following {
    Following { concert, writer, from, to, events, passed: Vec::new(), ends: Vec::new() }
}

pub fn lapsed(reservation: &Reservation, status: ReservationStatus, why: HoldEnd) -> Event {
    let reservation = reservation.clone().ended(status, NOW + TTL);
    Event::ReservationEnded { reservation, why }
}

pub async fn a_new_concert_is_loaded_as_it_was_stored(store: &dyn Store) {
    let (concert, schedules) = add_concert(store, 30).await;
    let sale = store.load_sale(concert, NOW).await.unwrap();
    assert_eq!(
        (sale.concert.id, &*sale.concert.title, &*sale.concert.venue),
        (concert, "First Night", "Town Hall")
    );
    assert_eq!((&*sale.concert.currency, &sale.settings), ("KRW", &settings()));
    assert_eq!(sale.concert.time_zone.as_deref(), Some("Asia/Seoul"));
    assert_eq!((sale.outages, sale.journal.seq, sale.next_entry), (Duration::ZERO, 0, EntryNo(0)));
    assert!(sale.tokens.is_empty() && sale.reservations.is_empty());
    let loaded: Vec<_> = sale.schedules.iter().map(|s| (s.schedule.id, s.schedule.starts_at)).collect();
    assert_eq!(loaded, [(schedules[0], NOW + 30 * DAY), (schedules[1], NOW + 31 * DAY)]);
    assert!(sale.schedules.iter().all(|s| *s.layout == layout(30) && s.taken.is_empty()));

    let kept = NewConcert {
        title: "Second Night".into(),
        currency: "KRW".into(),
        time_zone: None,
        layout: layout(30),
        starts_at: vec![NOW + 30 * DAY, NOW + 31 * DAY],
        restricted: vec![SeatId(3), SeatId(4), SeatId(29)],
        about: None,
        again: true,
        settings: settings(),
        at: NOW,
    };
    let (concert, _) = store.add_concert(kept).await.unwrap();
    let of_house = |seat| (SeatId(seat), SeatStatus::Reserved, ReservationId::house(concert));
    for schedule in store.load_sale(concert, NOW).await.unwrap().schedules {
        assert_eq!(schedule.taken, [3, 4, 29].map(of_house));
    }
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

/// Goal: servers that start together make one concert to try things with. Method: many look, and add, at the same time.
pub async fn the_first_concert_is_made_once(store: &dyn Store) {
    let add = || async { u32::from(store.add_first_concert(new_concert(10)).await.unwrap()) };
    let made = tokio::join!(add(), add(), add(), add(), add());
    assert_eq!(made.0 + made.1 + made.2 + made.3 + made.4, 1);
    let [first] = store.concerts().await.unwrap()[..] else { panic!("one concert") };
    assert_eq!(store.load_sale(first, NOW).await.unwrap().schedules.len(), 2);
    assert!(!store.add_first_concert(new_concert(10)).await.unwrap());
    let (second, _) = add_concert(store, 10).await;
    assert_eq!(store.concerts().await.unwrap(), [first, second]);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

/// Goal: a concert that is announced twice is not sold twice. Method: several announce it at the same moment, then again with
/// one thing changed at a time.
pub async fn the_same_concert_is_announced_once(store: &dyn Store) {
    // The first concert of all makes the row of the currency: the others are to meet at nothing but each other.
    add_concert(store, 2).await;
    let once = || NewConcert { title: "Only Night".into(), again: false, ..new_concert(10) };
    let announce = |new: NewConcert| async {
        match store.add_concert(new).await {
            Ok((concert, _)) => Ok(concert),
            Err(StoreError::AlreadyThere { concert }) => Err(concert),
            Err(error) => panic!("{}", error.reason()),
        }
    };
    let announced = tokio::join!(announce(once()), announce(once()), announce(once()), announce(once()));
    let announced = [announced.0, announced.1, announced.2, announced.3];
    let made: Vec<_> = announced.iter().filter_map(|announced| announced.ok()).collect();
    let [made] = made[..] else { panic!("one of them: {announced:?}") };
    assert_eq!(announced.iter().filter(|announced| **announced == Err(made)).count(), 3);
    assert_eq!(store.concerts().await.unwrap().len(), 2, "nothing of the others was stored");

    let mut dearer = once();
    dearer.layout.categories[0].price += 1;
    dearer.starts_at.remove(0);
    assert_eq!(
        announce(dearer).await,
        Err(made),
        "what it costs makes it no other one, and one start is enough"
    );
    let mut other_plan = once();
    other_plan.layout.seats.label[0].push('x');
    let later = NewConcert { starts_at: vec![NOW + 40 * DAY], ..once() };
    let renamed = NewConcert { title: "only night".into(), ..once() };
    for other in [other_plan, later, renamed, NewConcert { again: true, ..once() }] {
        assert!(announce(other).await.is_ok());
    }
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

/// Goal: 50,000 won buy no seat of 500.00 euros. Method: a second currency is refused, then decided for.
pub async fn wallets_are_in_the_first_concerts_currency_until_an_operator_decides(store: &dyn Store) {
    assert_eq!(store.wallet_currency().await.unwrap(), WalletCurrency::default());
    let (first, _) = add_concert(store, 2).await;
    let krw = WalletCurrency { code: Some("KRW".into()), decided: false, others: Vec::new() };
    assert_eq!(store.wallet_currency().await.unwrap(), krw);
    assert!(store.load_sale(first, NOW).await.unwrap().sells);
    let in_euros = || NewConcert {
        title: "Premier soir".into(),
        currency: "EUR".into(),
        time_zone: None,
        layout: layout(2),
        starts_at: vec![NOW + 30 * DAY],
        restricted: Vec::new(),
        about: None,
        again: true,
        settings: settings(),
        at: NOW,
    };
    let refused = store.add_concert(in_euros()).await.unwrap_err();
    let StoreError::OtherCurrency { wallets, concert } = refused else { panic!("{refused}") };
    assert_eq!((&*wallets, &*concert), ("KRW", "EUR"));
    assert_eq!(store.concerts().await.unwrap(), [first], "nothing of it was stored");

    store.decide_currency("EUR", NOW).await.unwrap();
    let (second, _) = store.add_concert(in_euros()).await.unwrap();
    let eur = WalletCurrency { code: Some("EUR".into()), decided: true, others: vec!["KRW".into()] };
    assert_eq!(store.wallet_currency().await.unwrap(), eur);
    assert_eq!(eur.undecided(), None);
    assert!(!store.load_sale(first, NOW).await.unwrap().sells);
    let loaded = store.load_sale(second, NOW).await.unwrap();
    assert_eq!((loaded.sells, loaded.concert.time_zone), (true, None));
    let undecided = WalletCurrency { decided: false, ..eur }.undecided().unwrap();
    assert!(
        undecided.contains("only those in EUR") && undecided.contains("those in KRW are not"),
        "{undecided}"
    );
}

pub async fn a_user_has_a_wallet_and_its_ledger(store: &dyn Store) {
    let rich =
        store.add_user(NewUser { name: "Ada".into(), balance: 500, guest: false, at: NOW }).await.unwrap();
    let poor =
        store.add_user(NewUser { name: "Bob".into(), balance: 0, guest: false, at: NOW }).await.unwrap();
    let user = store.user(rich).await.unwrap().unwrap();
    assert_eq!((user.id, &*user.name, user.balance), (rich, "Ada", 500));
    assert_eq!(store.balance(poor).await.unwrap(), Some(0));
    let history = store.history(rich, None, 10).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(
        (history[0].kind, history[0].amount_change, history[0].balance),
        (LedgerKind::Charge, 500, 500)
    );
    assert_eq!(store.history(poor, None, 10).await.unwrap(), []);
    // Vouched for by an operator, by nobody, and by an issuer.
    let guest = NewUser { name: "Guest".into(), balance: 0, guest: true, at: NOW };
    let guest = store.add_user(guest).await.unwrap();
    let external = store.user_of_subject("https://id.example", "eve", NOW).await.unwrap();
    for (user, is_guest) in [(poor, false), (guest, true), (external, false)] {
        assert_eq!(store.user(user).await.unwrap().unwrap().guest, is_guest, "{user}");
    }
    let alike = NewUser { name: "Eve".into(), balance: 7, guest: false, at: NOW };
    let many = store.add_users(alike, 1_001).await.unwrap();
    assert_eq!(many.iter().collect::<std::collections::HashSet<_>>().len(), 1_001);
    for user in [many[0], many[1_000]] {
        assert_eq!(store.history(user, None, 10).await.unwrap().len(), 1);
        assert_eq!(store.user(user).await.unwrap().unwrap().balance, 7);
    }
}

pub async fn a_subject_is_one_user(store: &dyn Store) {
    let find = || store.user_of_subject("https://id.example", "ada", NOW);
    let (one, other) = tokio::join!(find(), find());
    let one = one.unwrap();
    assert_eq!(other.unwrap(), one);
    assert_eq!(find().await.unwrap(), one);
    assert_ne!(store.user_of_subject("https://id.example", "bob", NOW).await.unwrap(), one);
    assert_ne!(store.user_of_subject("https://other.example", "ada", NOW).await.unwrap(), one);
    assert_eq!(store.balance(one).await.unwrap(), Some(0));
}

pub async fn a_line_is_kept_in_order(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let tokens: Vec<_> = (1..=5).map(|user| world.waiting(UserId(user))).collect();
    world.commit(tokens.iter().cloned().map(Event::Joined).collect()).await;
    let first = admitted(&tokens[0]);
    let left = ended(&tokens[2], TokenStatus::Expired(ExpiryReason::Left));
    let again = world.waiting(UserId(3));
    // A token that ends and the one after it go in together: the user never has two live ones.
    let events = vec![Event::Admitted(first.clone()), Event::TokenEnded(left), Event::Joined(again.clone())];
    world.commit(events).await;
    let sale = world.load().await;
    let expected = [&first, &tokens[1], &tokens[3], &tokens[4], &again];
    assert!(sale.tokens.iter().eq(expected));
    assert_eq!((sale.next_entry, sale.journal), (EntryNo(6), world.journal));
}

pub async fn a_token_that_ended_is_found_by_its_user_and_by_itself(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (user, other) = (UserId(7), UserId(8));
    let first = world.waiting(user);
    let away = ended(&first, TokenStatus::Expired(ExpiryReason::Away));
    let second = admitted(&world.waiting(user));
    let done = ended(&second, TokenStatus::Done);
    let live = world.waiting(other);
    let events = vec![
        Event::Joined(first),
        Event::TokenEnded(away.clone()),
        Event::Joined(second),
        Event::TokenEnded(done.clone()),
        Event::Joined(live.clone()),
    ];
    world.commit(events).await;
    let foreign = world.token_secret.token(ConcertId(99), EntryNo(0), user, NOW);
    let needs = Needs {
        tokens: vec![away.token, done.token, foreign],
        last_tokens: vec![(world.concert, user), (world.concert, UserId(9))],
        ..Needs::default()
    };
    let facts = world.facts(needs).await;
    assert_eq!(facts.ended.tokens, HashMap::from([(away.token, away), (done.token, done.clone())]));
    assert_eq!(facts.ended.last_tokens, HashMap::from([((world.concert, user), done.clone())]));
    assert_eq!(store.last_tokens(user).await.unwrap(), [done]);
    assert_eq!(store.last_tokens(other).await.unwrap(), [live]);
}

pub async fn held_seats_are_kept_and_given_back(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(0).await;
    world.admit(user).await;
    let mut held = world.held(user, &[2, 5]);
    let best = |id: &str, category: Option<&str>| BestRequest {
        request_id: id.into(),
        count: 2,
        category: category.map(Box::from),
        bounds: 0,
    };
    let bounded = BestRequest { bounds: u64::MAX, ..best("three", None) };
    held.best_requests = vec![best("one", None), best("\"two\"", Some("VIP")), bounded];
    held.guest_of = Some(AddressBlock(u128::MAX - 7));
    world.commit(vec![opened(&held)]).await;
    let sale = world.load().await;
    assert_eq!(sale.reservations, std::slice::from_ref(&held));
    assert_eq!(store.reservations(user).await.unwrap(), std::slice::from_ref(&held));
    let taken = |seat| (seat, SeatStatus::TempReserved, held.id);
    assert_eq!(world.seats().await, [taken(2), taken(5)]);

    let fewer = Reservation { seats: vec![SeatId(5)], amount: REST, ..held.clone() };
    let event = Event::SeatsReleased { reservation: fewer.clone(), seats: vec![SeatId(2)] };
    world.commit(vec![event]).await;
    assert_eq!(world.load().await.reservations, std::slice::from_ref(&fewer));
    assert_eq!(world.seats().await, [taken(5)]);

    let lapse = lapsed(&fewer, ReservationStatus::Expired, HoldEnd::HoldTime);
    let Event::ReservationEnded { reservation: over, .. } = &lapse else { unreachable!() };
    let over = over.clone();
    world.commit(vec![lapse]).await;
    assert!(world.load().await.reservations.is_empty() && world.seats().await.is_empty());
    assert_eq!(store.reservations(user).await.unwrap(), std::slice::from_ref(&over));
    let facts = world.facts(Needs { reservations: vec![over.id], ..Needs::default() }).await;
    assert_eq!(facts.ended.reservations, HashMap::from([(over.id, over)]));
}

/// Also in one batch with what fans did before and do after.
pub async fn seats_that_the_house_keeps_are_nobodys(store: &dyn Store) {
    let mut world = World::new(store, 1_500).await;
    let (concert, schedule) = (world.concert, world.schedules[0]);
    let house = ReservationId::house(concert);
    let kept = |seat| (seat, SeatStatus::Reserved, house);
    let seats = |numbers: &[u32]| {
        let seats = numbers.iter().copied().map(SeatId).collect();
        HouseSeats::new(schedule, seats, Some("cameras"), &Actor::UNNAMED)
    };
    let (restrict, open) = (
        |numbers: &[u32]| Event::SeatsRestricted(seats(numbers)),
        |numbers: &[u32]| Event::SeatsUnrestricted(seats(numbers)),
    );
    world.commit(vec![restrict(&[502, 505])]).await;
    assert_eq!(world.seats().await, [kept(502), kept(505)]);
    assert!(world.load().await.reservations.is_empty());
    world.commit(vec![open(&[502]), restrict(&[507])]).await;
    assert_eq!(world.seats().await, [kept(505), kept(507)]);

    // Kept before, a fan's afterwards; a fan's before, kept afterwards; and kept all along, though not at every moment.
    let user = world.user(1_000).await;
    let token = world.admit(user).await;
    let held = world.held(user, &[505, 506]);
    let again = vec![open(&[505, 507]), opened(&held), restrict(&[507, 508]), open(&[508])];
    world.commit(again).await;
    let taken = |seat| (seat, SeatStatus::TempReserved, held.id);
    assert_eq!(world.seats().await, [taken(505), taken(506), kept(507)]);
    let pay = world.paid(&held, 1_000);
    world.commit(vec![pay.clone(), Event::TokenEnded(ended(&token, TokenStatus::Done)), open(&[507])]).await;
    let refund = world.refunded(&pay);
    world.commit(vec![refund, restrict(&[505, 506])]).await;
    assert_eq!(world.seats().await, [kept(505), kept(506)]);
    world.commit(vec![open(&[505, 506])]).await;

    let many: Vec<u32> = (0..1_500).filter(|seat| seat % 7 != 0).collect();
    world.commit(vec![restrict(&many)]).await;
    assert!(world.seats().await.into_iter().eq(many.iter().map(|seat| kept(*seat))));
    world.commit(vec![open(&many)]).await;
    assert_eq!(world.seats().await, []);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

/// Beside orders that have none of their own, in batches of any size.
pub async fn orders_keep_the_prices_of_their_seats(store: &dyn Store) {
    let mut world = World::new(store, 1_500).await;
    let schedule = world.schedules[1];
    let reprice = |changed: &[(u16, &str, Money, Money)], own: &[(u16, Money)]| {
        let change = |&(category, name, before, after): &(u16, &str, Money, Money)| PriceChange {
            category,
            name: name.into(),
            before,
            after,
        };
        let changed = changed.iter().map(change).collect();
        Event::Repriced(Repricing { schedule, changed, own: own.to_vec(), by: Actor::UNNAMED })
    };
    assert_eq!(world.prices().await, [vec![], vec![]]);
    let both = [(0, "VIP", VIP, 120), (1, "Rest", REST, 70)];
    world.commit(vec![reprice(&both, &[(0, 120), (1, 70)])]).await;
    assert_eq!(world.prices().await, [vec![], vec![(0, 120), (1, 70)]]);

    // An order with two prices, one that costs what was imported, and then many in one batch.
    let user = world.user(1_000).await;
    let token = world.admit(user).await;
    let priced = |world: &mut World<'_>, user: UserId, seats: &[u32], prices: &[Money]| {
        let amount = prices.iter().sum();
        Reservation { schedule, prices: prices.to_vec(), amount, ..world.held(user, seats) }
    };
    let first = priced(&mut world, user, &[0], &[VIP]);
    let first = Reservation { prices: Vec::new(), ..first };
    world.commit(vec![opened(&first)]).await;
    let more = Reservation { id: first.id, ..priced(&mut world, user, &[0, 3], &[VIP, 70]) };
    world.commit(vec![held_for(&more, &[SeatId(3)], &[70], false)]).await;
    assert_eq!(world.load().await.reservations, std::slice::from_ref(&more));
    assert_eq!(store.reservations(user).await.unwrap(), std::slice::from_ref(&more));
    let pay = world.paid(&more, 1_000);
    let back = reprice(&[(1, "Rest", 70, REST)], &[(0, 120)]);
    world.commit(vec![pay.clone(), Event::TokenEnded(ended(&token, TokenStatus::Done)), back]).await;
    assert_eq!(world.prices().await, [vec![], vec![(0, 120)]]);
    let Event::Paid { reservation: paid, .. } = &pay else { unreachable!() };
    let facts = world.facts(Needs { reservations: vec![paid.id], ..Needs::default() }).await;
    assert_eq!(facts.ended.reservations, HashMap::from([(paid.id, paid.clone())]));
    let mut tickets: Vec<_> =
        store.tickets(user).await.unwrap().iter().map(|of| (of.ticket.seat.0, of.price)).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, [(0, VIP), (3, 70)]);
    let refund = world.refunded(&pay);
    world.commit(vec![refund]).await;
    let cancelled = store.cancelled_tickets(user).await.unwrap();
    assert_eq!(cancelled.iter().map(|of| of.price).sum::<Money>(), VIP + 70);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());

    let mut events = Vec::new();
    let mut orders = Vec::new();
    let new = NewUser { name: "Fan".into(), balance: 0, guest: false, at: NOW };
    for (n, user) in (0..).zip(store.add_users(new, 300).await.unwrap()) {
        // Of every third the price is its own; of one all are, though none differs.
        let seats = [10 + 4 * n, 11 + 4 * n];
        let order = match n % 3 {
            0 => priced(&mut world, user, &seats, &[REST, 65]),
            1 => priced(&mut world, user, &seats, &[REST, REST]),
            _ => Reservation { schedule, ..world.held(user, &seats) },
        };
        let prices = if order.prices.is_empty() { vec![REST; 2] } else { order.prices.clone() };
        events.push(held_for(&order, &order.seats, &prices, true));
        orders.push(order);
    }
    world.commit(events).await;
    orders.sort_by_key(|order| order.id);
    assert_eq!(world.load().await.reservations, orders);
    let halves: Vec<_> = orders
        .iter()
        .map(|order| {
            let mut kept = order.clone();
            kept.keep(&order.seats[..1]);
            kept.amount = REST;
            kept
        })
        .collect();
    let fewer = orders.iter().zip(&halves).map(|(order, reservation)| Event::SeatsReleased {
        reservation: reservation.clone(),
        seats: vec![order.seats[1]],
    });
    world.commit(fewer.collect()).await;
    assert_eq!(world.load().await.reservations, halves);
}

pub async fn what_becomes_of_a_performance_and_of_its_orders_is_kept(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (concert, [first, second]) = (world.concert, [world.schedules[0], world.schedules[1]]);
    let by = Actor::UNNAMED;
    let moved = |schedule, before, after, reason: Option<&str>| {
        let reason = reason.map(Box::from);
        Event::Rescheduled(Rescheduled { schedule, before, after, reason, by: by.clone() })
    };
    let off = |schedule, reason: &str| {
        Event::CalledOff(CalledOff { schedule, reason: reason.into(), by: by.clone() })
    };
    let (planned, called_off) = (ScheduleState::Planned, ScheduleState::CalledOff);
    world.commit(vec![moved(first, NOW + 30 * DAY, NOW + 40 * DAY, Some("Rain \"비\""))]).await;
    let schedules = async |world: &World<'_>| {
        let loaded = world.load().await.schedules;
        let of = |of: &frontrow::store::LoadedSchedule| {
            (
                of.schedule.id,
                of.schedule.starts_at,
                of.schedule.state,
                of.reason.as_deref().map(str::to_owned),
            )
        };
        loaded.iter().map(of).collect::<Vec<_>>()
    };
    let rain = Some("Rain \"비\"".to_owned());
    assert_eq!(
        schedules(&world).await,
        [(second, NOW + 31 * DAY, planned, None), (first, NOW + 40 * DAY, planned, rain)]
    );

    // Two who paid for the first, and one for the second.
    let mut paid = Vec::new();
    for (schedule, seat) in [(first, 3), (first, 5), (second, 3)] {
        let user = world.user(1_000).await;
        let token = world.admit(user).await;
        let held = Reservation { schedule, ..world.held(user, &[seat]) };
        let pay = world.paid(&held, 1_000);
        let done = Event::TokenEnded(ended(&token, TokenStatus::Done));
        world.commit(vec![opened(&held), pay.clone(), done]).await;
        paid.push((pay, held.id, user));
    }
    let nobody = ReservationId(uuid::Uuid::nil());
    let orders = [(paid[0].1, paid[0].2), (paid[1].1, paid[1].2)];
    let left = async |after, max| {
        let left = store.orders_to_refund(concert, first, after, max).await.unwrap();
        left.iter().map(|of| (of.id, of.user)).collect::<Vec<_>>()
    };
    assert_eq!(left(nobody, 9).await, orders);
    assert_eq!(left(nobody, 1).await, orders[..1]);
    assert_eq!(left(orders[0].0, 9).await, orders[1..]);

    // Moved and called off in one batch: the last word counts.
    world
        .commit(vec![moved(first, NOW + 40 * DAY, NOW + 50 * DAY, None), off(first, "The singer is ill")])
        .await;
    let ill = Some("The singer is ill".to_owned());
    assert_eq!(schedules(&world).await[1], (first, NOW + 50 * DAY, called_off, ill.clone()));
    let operator = RefundWhy::Operator { reason: "Bought twice".into(), by: by.clone() };
    let refunds = [
        world.refunded_why(&paid[0].0, operator.clone()),
        world.refunded_why(&paid[1].0, RefundWhy::CalledOff),
        world.refunded_why(&paid[2].0, operator),
    ];
    let kept = HouseSeats { by: None, ..HouseSeats::new(first, vec![SeatId(5)], None, &by) };
    let [one, two, three] = refunds.clone();
    world.commit(vec![one, two, Event::SeatsRestricted(kept), three]).await;
    assert_eq!(left(nobody, 9).await, []);
    for (refund, (_, id, user)) in refunds.iter().zip(&paid) {
        let Event::Refunded(Refunded { reservation, .. }) = refund else { unreachable!() };
        assert_eq!(store.order(*id).await.unwrap().as_ref(), Some(reservation));
        let told = store.cancelled_tickets(*user).await.unwrap();
        let told: Vec<_> = told.iter().map(|of| (of.state, of.reason.clone())).collect();
        let twice = Some("Bought twice".to_owned());
        let expected = match reservation.schedule == first {
            true if reservation.payment.as_ref().unwrap().refund_reason.is_none() => {
                (called_off, ill.clone())
            }
            true => (called_off, twice),
            false => (planned, twice),
        };
        assert_eq!(told, [expected]);
        assert_eq!(store.balance(*user).await.unwrap(), Some(1_000));
    }
    assert_eq!(store.order(nobody).await.unwrap(), None);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    // It is run for as long as it is not archived.
    assert_eq!(store.concerts_to_run(NOW + 4_000 * DAY).await.unwrap(), [concert]);
}

pub async fn a_performance_is_made_ready_and_added(store: &dyn Store) {
    let mut world = World::new(store, 2_500).await;
    let (concert, starts_at) = (world.concert, NOW + 70 * DAY);
    let prepare = async |starts_at| {
        let prepared = store.prepare_schedule(concert, starts_at, usize::MAX).await.unwrap();
        assert!(prepared.is_whole);
        prepared.schedule
    };
    let ready = prepare(starts_at).await;
    assert!(!world.schedules.contains(&ready));
    // Asked again, it is the same one; nobody sees anything of it.
    assert_eq!(prepare(starts_at).await, ready);
    let other = prepare(starts_at + DAY).await;
    assert_ne!(other, ready);
    let schedules = async |world: &mut World<'_>| {
        let loaded = world.load().await.schedules;
        loaded.iter().map(|of| (of.schedule, of.prices.clone())).collect::<Vec<_>>()
    };
    assert_eq!(schedules(&mut world).await.len(), 2);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());

    let change = PriceChange { category: 0, name: "VIP".into(), before: VIP, after: 120 };
    let added =
        ScheduleAdded { schedule: ready, starts_at, seats: 2_500, prices: vec![change], by: Actor::UNNAMED };
    world.commit(vec![Event::ScheduleAdded(added)]).await;
    let record = ScheduleRecord { id: ready, starts_at, state: ScheduleState::Planned };
    assert_eq!(schedules(&mut world).await[2], (record, vec![(0, 120)]));
    // Every seat of it can be taken.
    let user = world.user(1_000).await;
    world.admit(user).await;
    let last = Reservation { schedule: ready, prices: vec![REST], ..world.held(user, &[2_499]) };
    world.commit(vec![opened(&last)]).await;
    assert_eq!(store.seat_label(concert, ready, SeatId(2_499)).await.unwrap().as_deref(), Some("A-2500"));
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    let nobody = store.prepare_schedule(ConcertId(99), starts_at, usize::MAX).await;
    assert!(matches!(nobody, Err(StoreError::NoSuchConcert { .. })), "{nobody:?}");
}

pub async fn a_performance_that_was_given_up_is_taken_away(store: &dyn Store) {
    let Some(unfinished) = store.unfinished() else { return };
    let mut world = World::new(store, 2_500).await;
    let (concert, starts_at) = (world.concert, NOW + 70 * DAY);
    let half = store.prepare_schedule(concert, starts_at, 1_200).await.unwrap();
    assert!(!half.is_whole);
    let half =
        UnfinishedSchedule { concert, schedule: half.schedule, starts_at, seats: 1_200, is_given_up: false };
    assert_eq!(unfinished.unfinished().await.unwrap(), [half]);
    // Somebody goes on with it: who saw it before does not give it up, and of what is not given up nothing goes.
    let more = store.prepare_schedule(concert, starts_at, 800).await.unwrap();
    assert_eq!((more.schedule, more.is_whole), (half.schedule, false));
    assert!(!unfinished.give_up(&half).await.unwrap());
    let cleared = unfinished.clear_given_up(concert, half.schedule, 10).await.unwrap();
    assert_eq!(cleared, Cleared::All);
    let half = UnfinishedSchedule { seats: 2_000, ..half };
    assert_eq!(unfinished.unfinished().await.unwrap(), [half]);

    // From then on it is nobody's: another one is begun in its place, and it is not added to the sale.
    assert!(unfinished.give_up(&half).await.unwrap());
    assert!(!unfinished.give_up(&half).await.unwrap());
    let whole = store.prepare_schedule(concert, starts_at, usize::MAX).await.unwrap();
    assert_ne!(whole.schedule, half.schedule);
    let added = |schedule| {
        let by = Actor::UNNAMED;
        vec![Event::ScheduleAdded(ScheduleAdded {
            schedule,
            starts_at,
            seats: 2_500,
            prices: Vec::new(),
            by,
        })]
    };
    let late = world.batch(added(half.schedule), Vec::new());
    assert!(matches!(world.try_commit(&late).await, Err(CommitError::NotCommitted(_))));

    // It goes a few seats at a time, and nothing else with it.
    for left in [1_500, 1_000, 500] {
        let cleared = unfinished.clear_given_up(concert, half.schedule, 500).await.unwrap();
        assert_eq!(cleared, Cleared::Some);
        let seen = UnfinishedSchedule { seats: left, is_given_up: true, ..half };
        assert_eq!(unfinished.unfinished().await.unwrap()[0], seen);
        assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    }
    let cleared = unfinished.clear_given_up(concert, half.schedule, 500).await.unwrap();
    assert_eq!(cleared, Cleared::All);
    let whole = UnfinishedSchedule { schedule: whole.schedule, seats: 2_500, ..half };
    assert_eq!(unfinished.unfinished().await.unwrap(), [whole]);

    // What was added is a performance like the others.
    world.commit(added(whole.schedule)).await;
    assert!(!unfinished.give_up(&whole).await.unwrap());
    unfinished.clear_given_up(concert, whole.schedule, 500).await.unwrap();
    assert_eq!(unfinished.unfinished().await.unwrap(), []);
    assert_eq!(world.load().await.schedules.len(), 3);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn an_archived_concert_is_run_no_more(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let concert = world.concert;
    assert!(!store.is_archived(concert).await.unwrap() && !store.is_archived(ConcertId(99)).await.unwrap());
    assert_eq!(store.concerts_to_run(NOW).await.unwrap(), [concert]);
    world.commit(vec![Event::Archived(Archived { at: NOW, by: Actor::UNNAMED })]).await;
    assert!(store.is_archived(concert).await.unwrap());
    assert_eq!(world.load().await.archived, Some(NOW));
    assert_eq!(store.concerts_to_run(NOW).await.unwrap(), []);
    assert_eq!(store.concerts().await.unwrap(), [concert]);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn a_sweep_sees_what_is_over_and_one_page_of_each_table(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (one, two, three) = (world.user(0).await, world.user(0).await, world.user(1_000).await);
    let first = world.admit(one).await;
    let held = world.held(one, &[2, 5]);
    world.commit(vec![opened(&held)]).await;
    let waiting = world.waiting(two);
    world.commit(vec![Event::Joined(waiting.clone())]).await;
    let third = world.admit(three).await;
    let bought = world.held(three, &[0]);
    let paid = world.paid(&bought, 1_000);
    let done = ended(&third, TokenStatus::Done);
    world.commit(vec![opened(&bought), paid, Event::TokenEnded(done.clone())]).await;

    let page = SweepPage {
        concert: world.concert,
        overdue_before: NOW + TTL,
        holds_overdue_from: NOW + TTL,
        tokens_from: EntryNo(0),
        reservations_from: held.id,
        seats_from: (world.schedules[0], SeatId(1)),
        rows_max: 2,
    };
    let rows = store.sweep(&page).await.unwrap();
    assert_eq!(rows.applied, world.journal.seq);
    assert!(rows.overdue_tokens.is_empty() && rows.overdue_reservations.is_empty(), "not yet");
    assert_eq!(rows.tokens, [first.clone(), waiting.clone()]);
    let (free, taken) = (SeatStatus::Available, SeatStatus::TempReserved);
    assert_eq!(rows.seats, [(SeatId(1), free, None), (SeatId(2), taken, Some(held.id))]);

    let late = Duration::from_millis(1);
    let further = SweepPage {
        overdue_before: NOW + TTL + late,
        tokens_from: EntryNo(1),
        reservations_from: ReservationId(uuid::Uuid::nil()),
        seats_from: (world.schedules[0], SeatId(9)),
        rows_max: 9,
        ..page
    };
    let rows = store.sweep(&further).await.unwrap();
    assert_eq!((rows.overdue_tokens, rows.overdue_reservations), (vec![first], vec![held.clone()]));
    assert_eq!(rows.tokens, [waiting, done]);
    let found: Vec<_> = rows.reservations.iter().map(|row| (row.id, row.status, row.seats.len())).collect();
    let mut all = vec![(held.id, held.status, 2), (bought.id, ReservationStatus::Reserved, 1)];
    all.sort_unstable_by_key(|(id, ..)| *id);
    assert_eq!(found, all);
    assert_eq!(rows.seats, [(SeatId(9), free, None)]);

    let rows = store.sweep(&SweepPage { holds_overdue_from: NOW + TTL + late, ..further }).await.unwrap();
    assert_eq!((rows.overdue_tokens.len(), rows.overdue_reservations), (1, vec![]), "looked at before");
}

pub async fn a_purchase_is_kept_whole(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(1_000).await;
    let token = world.admit(user).await;
    let held = world.held(user, &[0, 1]);
    world.commit(vec![opened(&held)]).await;
    let pay = world.paid(&held, 1_000);
    let Event::Paid { reservation: paid, ledger } = pay.clone() else { unreachable!() };
    world.commit(vec![pay, Event::TokenEnded(ended(&token, TokenStatus::Done))]).await;

    assert_eq!(store.balance(user).await.unwrap(), Some(1_000 - VIP - REST));
    assert_eq!(store.history(user, None, 1).await.unwrap(), std::slice::from_ref(&ledger));
    let older = store.history(user, Some(ledger.id), 9).await.unwrap();
    assert_eq!(older.iter().map(|entry| entry.balance).collect::<Vec<_>>(), [1_000]);
    assert_eq!(store.reservations(user).await.unwrap(), std::slice::from_ref(&paid));
    let sold = |seat| (seat, SeatStatus::Reserved, held.id);
    assert_eq!(world.seats().await, [sold(0), sold(1)]);
    assert!(world.load().await.tokens.is_empty());

    let tickets = store.tickets(user).await.unwrap();
    let payment = paid.payment.as_ref().unwrap();
    assert!(tickets.iter().rev().map(|t| &t.ticket).eq(&payment.tickets));
    let ticket = &tickets[1];
    assert_eq!((&*ticket.title, &*ticket.venue, &*ticket.label), ("First Night", "Town Hall", "A-1"));
    assert_eq!((&*ticket.category, ticket.price, ticket.starts_at), ("VIP", VIP, NOW + 30 * DAY));
    assert_eq!((ticket.reservation, ticket.concert), (held.id, world.concert));

    let needs = Needs { wallets: vec![user, UserId(999)], reservations: vec![held.id], ..Needs::default() };
    let facts = world.facts(needs).await;
    assert_eq!(facts.wallets.balance(user), Some(1_000 - VIP - REST));
    assert_eq!(facts.wallets.balance(UserId(999)), None);
    assert_eq!(facts.ended.reservations, HashMap::from([(held.id, paid)]));
}

pub async fn a_refund_frees_the_seats_and_voids_the_tickets(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(500).await;
    let token = world.admit(user).await;
    let held = world.held(user, &[3]);
    let pay = world.paid(&held, 500);
    let done = Event::TokenEnded(ended(&token, TokenStatus::Done));
    world.commit(vec![opened(&held), pay.clone(), done]).await;
    let refund = world.refunded(&pay);
    let Event::Refunded(Refunded { reservation, .. }) = refund.clone() else { unreachable!() };
    world.commit(vec![refund]).await;
    assert_eq!(store.balance(user).await.unwrap(), Some(500));
    assert_eq!(store.tickets(user).await.unwrap(), []);
    let void = store.cancelled_tickets(user).await.unwrap();
    let void: Vec<_> =
        void.iter().map(|of| (of.ticket.seat.0, of.reservation, of.ticket.cancelled_at)).collect();
    assert_eq!(void, [(3, reservation.id, reservation.ended_at)]);
    assert_eq!(store.reservations(user).await.unwrap(), [reservation]);
    assert!(world.seats().await.is_empty());
}

pub async fn seats_of_an_order_come_back_one_after_the_other(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (user, buyer) = (world.user(1_000).await, world.user(1_000).await);
    let token = world.admit(user).await;
    let held = world.held(user, &[0, 1, 3]);
    let pay = world.paid(&held, 1_000);
    let Event::Paid { reservation: paid, ledger } = pay.clone() else { unreachable!() };
    world.commit(vec![opened(&held), pay, Event::TokenEnded(ended(&token, TokenStatus::Done))]).await;
    let by = Actor::of(Who::Operator(OperatorId(7)));
    let broken = RefundWhy::Operator { reason: "Broken".into(), by };

    // One seat, which another fan buys in the same batch.
    let token = world.admit(buyer).await;
    let second = world.held(buyer, &[1]);
    let back = world.given_back(&paid, &ledger, (&[SeatId(1)], REST), broken.clone());
    let Event::Refunded(Refunded { reservation: rest, ledger: Some(ledger), .. }) = back.clone() else {
        unreachable!()
    };
    let again = world.paid(&second, 1_000);
    let done = Event::TokenEnded(ended(&token, TokenStatus::Done));
    world.commit(vec![back, opened(&second), again, done]).await;
    assert_eq!((rest.status, &rest.seats), (ReservationStatus::Reserved, &vec![SeatId(0), SeatId(3)]));
    assert_eq!(store.order(held.id).await.unwrap(), Some(rest.clone()));
    assert_eq!(store.balance(user).await.unwrap(), Some(1_000 - VIP - REST));
    let seats = async || {
        let seats = |of: Vec<StoredTicket>| of.iter().map(|of| of.ticket.seat.0).rev().collect::<Vec<_>>();
        let (valid, void) = (store.tickets(user).await, store.cancelled_tickets(user).await);
        (seats(valid.unwrap()), seats(void.unwrap()))
    };
    assert_eq!(seats().await, (vec![0, 3], vec![1]));
    let sold = |seat, by| (seat, SeatStatus::Reserved, by);
    assert_eq!(world.seats().await, [sold(0, held.id), sold(1, second.id), sold(3, held.id)]);
    let mut loaded = world.load().await;
    loaded.bought.sort_unstable();
    assert_eq!(loaded.bought, [(user, 2), (buyer, 1)]);
    assert_eq!(loaded.takings.sum(), VIP + 2 * REST);

    // The rest, one after the other in one batch.
    let one = world.given_back(&rest, &ledger, (&[SeatId(0)], VIP), broken);
    let Event::Refunded(Refunded { reservation: rest, ledger: Some(ledger), .. }) = one.clone() else {
        unreachable!()
    };
    let last = world.given_back(&rest, &ledger, (&[SeatId(3)], REST), RefundWhy::Cancelled);
    let Event::Refunded(Refunded { reservation: over, .. }) = last.clone() else { unreachable!() };
    world.commit(vec![one, last]).await;
    assert_eq!((over.status, &over.seats), (ReservationStatus::Cancelled, &vec![SeatId(3)]));
    let payment = over.payment.as_ref().unwrap();
    assert_eq!((payment.status, payment.refunded), (PaymentStatus::Cancelled, VIP + 2 * REST));
    assert_eq!(store.order(held.id).await.unwrap(), Some(over));
    assert_eq!(seats().await, (vec![], vec![0, 1, 3]));
    assert_eq!(store.balance(user).await.unwrap(), Some(1_000));
    assert_eq!(world.load().await.bought, [(buyer, 1)]);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn a_sold_seat_becomes_another_one(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (user, other) = (world.user(1_000).await, world.user(1_000).await);
    let (token, held) = (world.admit(user).await, world.held(user, &[1, 2]));
    let pay = world.paid(&held, 1_000);
    let Event::Paid { reservation: paid, .. } = pay.clone() else { unreachable!() };
    world.commit(vec![opened(&held), pay, Event::TokenEnded(ended(&token, TokenStatus::Done))]).await;
    let (token, second) = (world.admit(other).await, world.held(other, &[3]));
    let pay = world.paid(&second, 1_000);
    let Event::Paid { reservation: of_other, .. } = pay.clone() else { unreachable!() };
    world.commit(vec![opened(&second), pay, Event::TokenEnded(ended(&token, TokenStatus::Done))]).await;

    // Two who exchange seats by way of a third one, and one seat that is dearer, in one batch.
    let spare = world.moved(&of_other, (3, 5), Vec::new());
    let first = world.moved(&paid, (1, 3), Vec::new());
    let [Event::SeatMoved(of_spare), Event::SeatMoved(of_first)] = [&spare, &first] else { unreachable!() };
    let back = world.moved(&of_spare.reservation, (5, 1), Vec::new());
    let dearer = world.moved(&of_first.reservation, (2, 0), vec![REST, REST]);
    let [Event::SeatMoved(of_back), Event::SeatMoved(of_dearer)] = [&back, &dearer] else { unreachable!() };
    let (now, of_other) = (of_dearer.reservation.clone(), of_back.reservation.clone());
    world.commit(vec![spare, first, back, dearer]).await;
    assert_eq!((&now.seats, &now.prices), (&vec![SeatId(0), SeatId(3)], &vec![REST, REST]));
    assert_eq!(store.order(held.id).await.unwrap(), Some(now.clone()));
    assert_eq!(store.order(second.id).await.unwrap(), Some(of_other));
    let sold = |seat, by| (seat, SeatStatus::Reserved, by);
    assert_eq!(world.seats().await, [sold(0, held.id), sold(1, second.id), sold(3, held.id)]);
    let tickets = store.tickets(user).await.unwrap();
    let told: Vec<_> =
        tickets.iter().rev().map(|of| (of.ticket.seat.0, of.price, of.moved_from.as_deref())).collect();
    assert_eq!(told, [(3, REST, Some("A-2")), (0, REST, Some("A-3"))]);
    assert_eq!(store.cancelled_tickets(user).await.unwrap(), [], "nothing came back");
    let codes: std::collections::BTreeSet<_> =
        now.payment.iter().flat_map(|payment| &payment.tickets).map(|ticket| &ticket.code).collect();
    assert_eq!(codes.len(), 4, "each ticket has a code of its own");

    // Back where it was, which is written already.
    let again = world.moved(&now, (3, 2), vec![REST, REST]);
    let Event::SeatMoved(of_again) = again.clone() else { unreachable!() };
    world.commit(vec![again]).await;
    assert_eq!(store.order(held.id).await.unwrap(), Some(of_again.reservation));
    assert_eq!(store.tickets(user).await.unwrap().len(), 2);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn what_the_box_office_sells_is_kept_whole(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (concert, schedule) = (world.concert, world.schedules[0]);
    let user =
        async |request: &str, name: &str| store.user_at_desk(concert, request, name, NOW).await.unwrap();
    let anna = user("one", "Anna").await;
    assert_eq!(user("one", "Somebody else").await, anna, "the same request is the same user");
    let ben = user("two", "").await;
    assert_ne!(ben, anna);
    assert_eq!(
        store.user(anna).await.unwrap().map(|user| (user.name, user.guest)),
        Some(("Anna".into(), false))
    );
    let needs = |of| Needs { desk_orders: vec![(concert, of)], ..Needs::default() };
    assert_eq!(world.facts(needs(anna)).await.ended.desk_orders, HashMap::new());

    // One of its seats was kept by the house before, in the same batch.
    let by = Actor::of(Who::Operator(OperatorId(7)));
    let kept = HouseSeats::new(schedule, vec![SeatId(1)], None, &by);
    let cash = world.sold_at_desk(anna, &[(0, VIP), (1, REST)], PaymentSource::Cash);
    let gift = world.sold_at_desk(ben, &[(3, 0)], PaymentSource::Gift);
    let (of_cash, of_gift) = (order_of(&cash), order_of(&gift));
    let open = Event::SeatsUnrestricted(kept.clone());
    world.commit(vec![Event::SeatsRestricted(kept)]).await;
    world.commit(vec![open, cash, gift]).await;
    assert_eq!(store.order(of_cash.id).await.unwrap().as_ref(), Some(&of_cash));
    let facts = world.facts(needs(anna)).await;
    assert_eq!(facts.ended.desk_orders, HashMap::from([((concert, anna), of_cash.clone())]));
    let sold = |seat, by| (seat, SeatStatus::Reserved, by);
    assert_eq!(world.seats().await, [sold(0, of_cash.id), sold(1, of_cash.id), sold(3, of_gift.id)]);
    let mut loaded = world.load().await;
    loaded.bought.sort_unstable();
    assert_eq!((loaded.bought, loaded.reservations), (vec![(anna, 2), (ben, 1)], vec![]));
    assert_eq!(loaded.takings, Takings { cash: VIP + REST, ..Takings::default() });
    assert_eq!(store.balance(anna).await.unwrap(), Some(0), "no wallet has a part in it");
    let tickets = store.tickets(anna).await.unwrap();
    assert_eq!(tickets.iter().map(|of| of.price).sum::<Money>(), VIP + REST);
    let nobody = ReservationId(uuid::Uuid::nil());
    let left: Vec<_> = store.orders_to_refund(concert, schedule, nobody, 9).await.unwrap();
    let left: Vec<_> = left.iter().map(|of| (of.id, of.source, of.seats, of.amount)).collect();
    let mut due =
        vec![(of_cash.id, PaymentSource::Cash, 2, VIP + REST), (of_gift.id, PaymentSource::Gift, 1, 0)];
    due.sort_unstable_by_key(|of| of.0);
    assert_eq!(left, due);

    // A seat comes back at the desk, then the rest of it.
    let why = RefundWhy::Operator { reason: "Broken".into(), by };
    let back = world.handed_back(&of_cash, (&[SeatId(0)], VIP), why.clone());
    world.commit(vec![back.clone()]).await;
    let Event::Refunded(Refunded { reservation: rest, .. }) = back else { unreachable!() };
    assert_eq!(store.order(of_cash.id).await.unwrap(), Some(rest.clone()));
    assert_eq!(world.load().await.takings, Takings { cash: REST, ..Takings::default() });
    let last = world.handed_back(&rest, (&[SeatId(1)], REST), why);
    world.commit(vec![last]).await;
    assert_eq!(world.load().await.takings, Takings::default());
    assert_eq!(world.seats().await, [sold(3, of_gift.id)]);
    assert_eq!(store.balance(anna).await.unwrap(), Some(0));
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

fn order_of(sold: &Event) -> Reservation {
    let Event::SoldAtDesk(sold) = sold else { panic!("{sold:?}") };
    sold.reservation.clone()
}

pub async fn a_seat_refunded_and_sold_again_in_one_batch_has_one_valid_ticket(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (seller, buyer) = (world.user(500).await, world.user(500).await);
    let token = world.admit(seller).await;
    let first = world.held(seller, &[3]);
    let pay = world.paid(&first, 500);
    let done = Event::TokenEnded(ended(&token, TokenStatus::Done));
    world.commit(vec![opened(&first), pay.clone(), done]).await;
    let token = world.admit(buyer).await;
    let second = world.held(buyer, &[3]);
    let (refund, again) = (world.refunded(&pay), world.paid(&second, 500));
    let done = Event::TokenEnded(ended(&token, TokenStatus::Done));
    world.commit(vec![refund, opened(&second), again, done]).await;
    assert_eq!(world.seats().await, [(3, SeatStatus::Reserved, second.id)]);
    assert_eq!(store.tickets(seller).await.unwrap(), []);
    assert_eq!(store.tickets(buyer).await.unwrap().len(), 1);
}

pub async fn a_charge_and_a_payment_in_one_batch_leave_the_last_balance(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(0).await;
    let token = world.admit(user).await;
    let held = world.held(user, &[0]);
    let charge = world.charge(user, 150, 0, "a");
    let pay = world.paid(&held, 150);
    let more = world.charge(user, 7, 50, "b");
    let done = Event::TokenEnded(ended(&token, TokenStatus::Done));
    let batch = world.batch(vec![opened(&held), pay, done], vec![charge, more]);
    world.try_commit(&batch).await.unwrap();
    assert_eq!(store.balance(user).await.unwrap(), Some(57));
    let history = store.history(user, None, 9).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.balance).collect::<Vec<_>>(), [57, 50, 150]);
}

pub async fn a_ledger_tells_what_was_added_since(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (user, other) = (world.user(10).await, world.user(0).await);
    let mut charges = Vec::new();
    for n in 0..4 {
        let charge = world.charge(user, 1, 10 + n, &n.to_string());
        charges.push(LedgerEntry { at: NOW + n as u32 * DAY, ..charge });
    }
    let batch = world.batch(Vec::new(), charges);
    world.try_commit(&batch).await.unwrap();
    // Five entries: that of the beginning, and one on each of four days, the first of which is the same.
    for (since, max, count) in [(0, 5, 5), (1, 5, 3), (3, 5, 1), (4, 5, 0), (1, 2, 2)] {
        let needs = Needs {
            wallets: vec![user, other],
            ledgers: vec![user, user, other],
            ledger_since: NOW + since * DAY,
            ledger_max: max,
            ..Needs::default()
        };
        let facts = world.facts(needs).await;
        assert_eq!(facts.ledger_since, NOW + since * DAY);
        let found = facts.ledgers.iter().find(|(of, _)| *of == user);
        assert_eq!(found, Some(&(user, count)), "{max} since {since}");
    }
}

pub async fn a_charge_made_before_is_found_by_its_request(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (user, other) = (world.user(5).await, world.user(5).await);
    let charge = world.charge(user, 10, 5, "request");
    let batch = world.batch(Vec::new(), vec![charge.clone()]);
    world.try_commit(&batch).await.unwrap();
    let charges = [(user, "request"), (user, "another"), (other, "request")];
    let charges = charges.map(|(user, request)| (user, Box::from(request)));
    let needs = Needs { wallets: vec![user, other], charges: charges.into(), ..Needs::default() };
    let mut facts = world.facts(needs).await;
    let mut again = |user, amount| facts.wallets.charge(user, amount, "request", NOW, &mut world.ids);
    assert_eq!(again(user, 10), Ok((charge, false)));
    assert!(again(user, 11).is_err());
    assert!(again(other, 11).unwrap().1);
}

pub async fn what_users_bought_is_counted(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let users = [world.user(1_000).await, world.user(1_000).await];
    let mut paid = Vec::new();
    for (user, seats) in [(users[0], &[1, 2][..]), (users[1], &[3])] {
        world.admit(user).await;
        let held = world.held(user, seats);
        world.commit(vec![opened(&held)]).await;
        paid.push(world.paid(&held, 1_000));
    }
    let bought = async |world: &World<'_>| {
        let loaded = world.load().await;
        let mut bought = loaded.bought;
        bought.sort_unstable();
        (bought, loaded.takings.wallet)
    };
    let amount = |event: &Event| match event {
        Event::Paid { reservation, .. } => reservation.amount,
        other => panic!("{other:?}"),
    };
    let [first, second] = [&paid[0], &paid[1]].map(amount);
    assert!(first > 0 && second > 0);
    assert_eq!(bought(&world).await, (vec![], 0), "what is held is not bought");
    world.commit(paid.clone()).await;
    assert_eq!(bought(&world).await, (vec![(users[0], 2), (users[1], 1)], first + second));
    let refunded = world.refunded(&paid[0]);
    world.commit(vec![refunded]).await;
    assert_eq!(bought(&world).await, (vec![(users[1], 1)], second));
}

pub async fn what_is_said_of_a_concert_is_kept(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let told = async |world: &World<'_>| {
        let concert = world.load().await.concert;
        (concert.title, concert.about)
    };
    let mut before = Texts { title: "First Night".into(), about: None };
    assert_eq!(told(&world).await, ("First Night".to_owned(), None));
    for (title, about) in [("First Night", Some(r#"{"texts":{"age":"12"}}"#)), ("밤 \"0\"", None)] {
        let after = Texts { title: title.into(), about: about.map(Box::from) };
        let change = Description { before, after: after.clone(), by: Actor::UNNAMED };
        world.commit(vec![Event::Described(change)]).await;
        assert_eq!(told(&world).await, (title.to_owned(), about.map(str::to_owned)));
        before = after;
    }
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn settings_are_kept(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let after = SaleSettings {
        state: SaleState::Paused,
        opens_at: Some(NOW + DAY),
        message: Some("Back at noon — 정오에".into()),
        own: OwnRules {
            capacity: Some(7),
            hold_ttl: Some(Duration::from_millis(1)),
            admission_ttl: Some(Duration::from_millis(2)),
            idle_ttl: Some(Duration::from_millis(3)),
            away_ttl: Some(Duration::from_millis(4)),
            seats_per_reservation_max: Some(6),
            seats_per_user_max: Some(8),
            cancel_before_start: Some(Duration::ZERO),
            hold_again_after: Some(Duration::from_millis(5)),
        },
    };
    let (before, by) = (Box::new(settings()), By::Actor(Actor::UNNAMED));
    let event = Event::SettingsChanged { before, after: Box::new(after.clone()), by };
    world.commit(vec![event]).await;
    assert_eq!(world.load().await.settings, after);
}

/// `change` runs one statement of somebody else's on the database, and gives how many rows it changed.
pub async fn settings_that_others_changed(
    store: &dyn Store,
    mut change: impl AsyncFnMut(&'static str) -> u64,
) {
    let mut world = World::new(store, 10).await;
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let own = OwnRules { capacity: Some(7), hold_ttl: seconds(3), ..OwnRules::default() };
    let set = async |world: &mut World<'_>, own| {
        let before = Box::new(world.load().await.settings);
        let after = Box::new(SaleSettings { own, ..(*before).clone() });
        world.commit(vec![Event::SettingsChanged { before, after, by: By::Actor(Actor::UNNAMED) }]).await;
    };
    set(&mut world, own).await;
    // A server of the release before knows the columns alone.
    let changed = change(
        "UPDATE concert SET state = 'PAUSED', opens_at = NULL, message = NULL, capacity = 9, hold_ttl_ms = NULL, \
           admission_ttl_ms = NULL, idle_ttl_ms = NULL, away_ttl_ms = 4000, seats_per_reservation_max = NULL, \
           cancel_before_start_ms = NULL, hold_again_after_ms = NULL",
    );
    assert_eq!(changed.await, 1);
    let theirs = OwnRules { capacity: Some(9), away_ttl: seconds(4), ..OwnRules::default() };
    let loaded = world.load().await.settings;
    assert_eq!((loaded.state, loaded.own), (SaleState::Paused, theirs));
    // A server of a later one knows rules that this one does not, and nobody loses them here.
    assert_eq!(change(r#"UPDATE concert SET own_rules = '{"capacity": 1, "lucky": 7}'"#).await, 1);
    assert_eq!(world.load().await.settings.own, theirs);
    let ours = OwnRules { idle_ttl: seconds(5), ..OwnRules::default() };
    set(&mut world, ours).await;
    assert_eq!(world.load().await.settings.own, ours);
    let kept = change(
        r#"UPDATE concert SET created_at = created_at
           WHERE own_rules LIKE '%"lucky"%7%' AND own_rules LIKE '%"idle_ttl_ms"%5000%'
             AND own_rules NOT LIKE '%capacity%' AND own_rules NOT LIKE '%null%'"#,
    );
    assert_eq!(kept.await, 1);
    // Rows from before the object have no value there.
    assert_eq!(change("UPDATE concert SET own_rules = NULL").await, 1);
    assert_eq!(world.load().await.settings.own, ours);
    set(&mut world, own).await;
    assert_eq!(world.load().await.settings.own, own);
}

pub async fn a_batch_larger_than_any_statement_is_kept_whole(store: &dyn Store) {
    const FANS: u64 = 1_177;
    let mut world = World::new(store, FANS as usize).await;
    let mut events = Vec::new();
    let mut reservations = Vec::new();
    let mut taken = [Vec::new(), Vec::new()];
    for user in 1..=FANS {
        let token = world.waiting(UserId(user));
        events.push(Event::Admitted(admitted(&token)));
        // Every seventh seat, round after round, so that the order of seats is not that of reservations.
        let (at, seat) = ((user % 2) as usize, SeatId((user * 7 % FANS) as u32));
        let held = Reservation { schedule: world.schedules[at], ..world.held(UserId(user), &[seat.0]) };
        events.push(opened(&held));
        taken[at].push((seat, SeatStatus::TempReserved, held.id));
        reservations.push(held);
    }
    taken.iter_mut().for_each(|taken| taken.sort_by_key(|(seat, ..)| *seat));
    world.commit(events).await;
    let sale = world.load().await;
    assert!(sale.tokens.iter().map(|token| token.user.0).eq(1..=FANS));
    assert!(sale.schedules.iter().map(|schedule| &schedule.taken).eq(&taken));

    for held in &mut reservations {
        held.ended_at = Some(NOW + Duration::from_millis(held.user.0));
        held.status = match held.user.0 % 3 {
            0 => ReservationStatus::Cancelled,
            _ => ReservationStatus::Expired,
        };
    }
    let lapse = |reservation: &Reservation| Event::ReservationEnded {
        reservation: reservation.clone(),
        why: HoldEnd::HoldTime,
    };
    world.commit(reservations.iter().map(lapse).collect()).await;
    assert!(world.load().await.schedules.iter().all(|schedule| schedule.taken.is_empty()));
    for reservation in reservations {
        assert_eq!(world.store.reservations(reservation.user).await.unwrap(), [reservation]);
    }
}

/// Worlds whose sales all have the first one's writer.
async fn worlds_of_one_writer(store: &dyn Store, count: usize, seats: usize) -> Vec<World<'_>> {
    let mut worlds: Vec<World<'_>> = Vec::new();
    for _ in 0..count {
        let mut world = World::new(store, seats).await;
        if let Some(first) = worlds.first() {
            world.writer = first.writer;
            world.claim_again().await;
        }
        worlds.push(world);
    }
    worlds
}

/// A batch in which so many fans join each of these sales.
fn joining_all(worlds: &mut [World<'_>], fans: u64) -> Batch {
    let mut batch = worlds[0].batch(Vec::new(), Vec::new());
    for world in worlds {
        let first = world.entries;
        let events = (first..first + fans).flat_map(|user| world.joining(UserId(user + 1))).collect();
        batch.sales.extend(world.batch(events, Vec::new()).sales);
    }
    batch
}

async fn ends_of(worlds: &[World<'_>]) -> Vec<JournalPosition> {
    let mut ends = Vec::new();
    for world in worlds {
        ends.push(world.load().await.journal);
    }
    ends
}

/// Goal: a batch is kept of all its sales or of none, whoever took one of them over, and the others go on with theirs. Method:
/// each of three sales is somebody else's once; as one statement, and in a transaction because a wallet is read with it.
pub async fn a_batch_is_kept_of_all_its_sales_or_of_none(store: &dyn Store) {
    let mut worlds = worlds_of_one_writer(store, 3, 10).await;
    let fan = worlds[0].user(0).await;
    let mut lane = store.open_writer().await.unwrap();
    let concerts: Vec<_> = worlds.iter().map(|world| world.concert).collect();
    for (wallets, taken) in [vec![], vec![fan]].into_iter().flat_map(|w| [0, 1, 2].map(|n| (w.clone(), n))) {
        let needs = Needs { wallets, ..Needs::default() };
        let batch = joining_all(&mut worlds, 1);
        lane.begin(&needs).await.unwrap();
        lane.commit(&batch).await.unwrap();
        assert!(lane.settle(&batch).await.unwrap());
        worlds[0].follow(&batch).await;
        for (world, sale) in worlds.iter_mut().zip(&batch.sales) {
            world.journal = JournalPosition { seq: sale.seq, batch: batch.id };
        }

        let late = joining_all(&mut worlds, 1);
        store.claim(concerts[taken], WriterId(random_id()), NOW, None).await.unwrap();
        // What was kept before is known to be, also of the sale that was taken over on top of it.
        assert!(lane.settle(&batch).await.unwrap());
        let before = ends_of(&worlds).await;
        lane.begin(&needs).await.unwrap();
        let refused = lane.commit(&late).await.unwrap_err();
        let is_of = |error: &CommitError| matches!(error, CommitError::SteppedDown { concert } if *concert == concerts[taken]);
        assert!(is_of(&refused), "{refused:?}");
        assert_eq!(ends_of(&worlds).await, before);
        // Whether it was kept can be found out as well.
        assert!(is_of(&lane.settle(&late).await.unwrap_err()));
        assert_eq!(ends_of(&worlds).await, before);

        let mut others = Batch { id: random_id(), ..late.clone() };
        others.sales.remove(taken);
        lane.begin(&needs).await.unwrap();
        lane.commit(&others).await.unwrap();
        worlds[0].follow(&others).await;
        for world in &mut worlds {
            world.claim_again().await;
        }
    }
    let tokens = [0, 1, 2].map(|n| worlds[n].load());
    for loaded in futures_util::future::join_all(tokens).await {
        // Six times with the others, and of six more the four when it was not the one taken over.
        assert_eq!(loaded.tokens.len(), 10);
    }
}

/// Texts that are long, and sales that are many.
pub async fn one_batch_may_hold_many_sales(store: &dyn Store) {
    const FANS: u64 = 2_000;
    let mut worlds = worlds_of_one_writer(store, 3, 1).await;
    let mut lane = store.open_writer().await.unwrap();
    for long in [0, 1, 2] {
        let mut batch = joining_all(&mut worlds, 1);
        batch.at = NOW + Duration::from_millis(1_234);
        let mut of_many = joining_all(&mut worlds[long..=long], FANS);
        batch.sales[long].events.append(&mut of_many.sales[0].events);
        lane.begin(&Needs::default()).await.unwrap();
        lane.commit(&batch).await.unwrap();
        for (world, sale) in worlds.iter_mut().zip(&batch.sales) {
            let kept = store.journal(world.concert, sale.seq, 1).await.unwrap();
            assert_eq!((kept[0].at, kept[0].events.len()), (batch.at, sale.events.len()));
            world.journal = JournalPosition { seq: sale.seq, batch: batch.id };
        }
    }
    let mut worlds = worlds_of_one_writer(store, 70, 1).await;
    let batch = joining_all(&mut worlds, 1);
    lane.begin(&Needs::default()).await.unwrap();
    lane.commit(&batch).await.unwrap();
    let kept = |sale: &SaleBatch| JournalPosition { seq: sale.seq, batch: batch.id };
    assert!(ends_of(&worlds).await.into_iter().eq(batch.sales.iter().map(kept)));
    // None is kept if the last one is somebody else's.
    for (world, sale) in worlds.iter_mut().zip(&batch.sales) {
        world.journal = kept(sale);
    }
    let late = joining_all(&mut worlds, 1);
    store.claim(late.sales[69].concert, WriterId(random_id()), NOW, None).await.unwrap();
    let before = ends_of(&worlds).await;
    let refused = lane.commit(&late).await.unwrap_err();
    assert!(matches!(refused, CommitError::SteppedDown { concert } if concert == late.sales[69].concert));
    assert_eq!(ends_of(&worlds).await, before);
}

pub async fn a_replaced_writer_can_add_nothing_more(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    world.admit(UserId(1)).await;
    let successor = WriterId(random_id());
    store.claim(world.concert, successor, NOW + TTL, None).await.unwrap();
    let joining = world.joining(UserId(2));
    let late = world.batch(joining, Vec::new());
    for _ in 0..2 {
        let refused = world.try_commit(&late).await.unwrap_err();
        assert!(matches!(refused, CommitError::SteppedDown { concert } if concert == world.concert));
    }
    let sale = world.load().await;
    assert_eq!((sale.tokens.len(), sale.journal.seq), (1, world.journal.seq + 1));
    // It cannot write by building on its successor's rows either.
    world.journal = sale.journal;
    let stolen = world.batch(late.sales[0].events.clone(), Vec::new());
    assert!(matches!(world.try_commit(&stolen).await, Err(CommitError::SteppedDown { .. })));
    world.writer = successor;
    let joined = world.batch(late.sales[0].events.clone(), Vec::new());
    world.try_commit(&joined).await.unwrap();
    assert_eq!(world.load().await.tokens.len(), 2);
}

pub async fn a_claim_replaces_whom_it_names_and_nobody_else(store: &dyn Store) {
    let (concert, _) = add_concert(store, 10).await;
    let (one, other) = (WriterId(random_id()), WriterId(random_id()));
    let nobody = store.holder(concert).await.unwrap();
    assert_eq!(nobody, Holder::default());
    let first = store.claim(concert, one, NOW, Some(nobody)).await.unwrap();
    assert_eq!(first.before, None, "it never ran");
    let held = Holder { writer: Some(one), epoch: first.epoch, heartbeat: Some(NOW), moves_to: None };
    assert_eq!(store.holder(concert).await.unwrap(), held);
    assert_eq!(first.epoch, store.load_sale(concert, NOW).await.unwrap().journal.seq);
    // Who expects somebody else is refused, and has changed nothing.
    let later = NOW + Duration::from_secs(60);
    let before = Holder { epoch: first.epoch - 1, ..held };
    let others = Holder { writer: Some(other), ..held };
    let older = Holder { heartbeat: Some(NOW - Duration::from_secs(1)), ..held };
    for wrong in [nobody, before, others, older] {
        let refused = store.claim(concert, other, later, Some(wrong)).await.unwrap_err();
        let is_told = matches!(refused, StoreError::OtherHolder { concert: of, found } if (of, found) == (concert, held));
        assert!(is_told, "{wrong:?}: {refused:?}");
    }
    assert_eq!(store.holder(concert).await.unwrap(), held);
    assert_eq!(store.heartbeat(other, NOW, Duration::from_secs(3)).await.unwrap(), []);
    // Whoever is heard of again is not replaced by who thought otherwise.
    store.heartbeat(one, NOW + Duration::from_secs(1), Duration::from_secs(3)).await.unwrap();
    assert!(matches!(
        store.claim(concert, other, later, Some(held)).await,
        Err(StoreError::OtherHolder { .. })
    ));
    let held = store.holder(concert).await.unwrap();
    let second = store.claim(concert, other, later, Some(held)).await.unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(second.before, held.heartbeat);
    // A writer may replace itself, whose heartbeats go on meanwhile; its claims differ.
    let held = Holder { heartbeat: None, ..store.holder(concert).await.unwrap() };
    assert!(store.claim(concert, other, later, Some(held)).await.unwrap().epoch > second.epoch);
    assert!(matches!(
        store.claim(concert, one, later, Some(held)).await,
        Err(StoreError::OtherHolder { .. })
    ));
    let held = store.holder(concert).await.unwrap();
    assert!(store.holders().await.unwrap().contains(&(concert, held)));
    // A sale's time never goes back: who claims it with a clock that is behind goes on from where it got to.
    let early = NOW - Duration::from_secs(60);
    assert_eq!(store.claim(concert, one, early, None).await.unwrap().before, Some(later));
    assert_eq!(store.claim(concert, one, early, None).await.unwrap().before, Some(later));
    let unknown = ConcertId(concert.0 + 1_000);
    let refused = store.claim(unknown, one, NOW, None).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoSuchConcert { concert: of } if of == unknown));
    let refused = store.holder(unknown).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoSuchConcert { concert: of } if of == unknown));
}

/// The number of times that claims race in an ordinary run.
const RACES: usize = 100;

pub async fn of_claims_that_race_one_wins_each_time(store: &dyn Store) {
    let (concert, _) = add_concert(store, 1).await;
    let races = std::env::var("FRONTROW_RACES").map_or(RACES, |races| races.parse().unwrap());
    for race in 0..races {
        let held = store.holder(concert).await.unwrap();
        let claims = (0..3).map(|_| async {
            let writer = WriterId(random_id());
            loop {
                match store.claim(concert, writer, NOW, Some(held)).await {
                    // Lost to another one's transaction: the same again is told what became of it.
                    Err(StoreError::RolledBack(_)) => {}
                    Ok(claimed) => return Some((writer, claimed.epoch)),
                    Err(StoreError::OtherHolder { .. }) => return None,
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        let won: Vec<_> = join_all(claims).await.into_iter().flatten().collect();
        let now = store.holder(concert).await.unwrap();
        assert_eq!(won, [(now.writer.unwrap(), now.epoch)], "race {race}");
    }
}

pub async fn each_life_of_a_server_has_a_row_that_it_changes(store: &dyn Store) {
    let about = |name: &str| About {
        name: name.to_owned(),
        release: "0.1.0".to_owned(),
        wire: (1, 3),
        key_print: "aabbccddeeff".to_owned(),
        rules_print: "001122334455".to_owned(),
    };
    let first = store.join_members(&about("a")).await.unwrap();
    let second = store.join_members(&about("é한")).await.unwrap();
    assert_eq!((first, second), (NodeNo(1), NodeNo(2)));
    assert!(store.beat_member(second, MemberState::Up, 7, 1).await.unwrap());
    assert!(store.beat_member(second, MemberState::Draining, 3, 2).await.unwrap());
    let row = |node, name: &str, beat, state, sales| Member {
        node,
        about: about(name),
        beat,
        state,
        sales,
        hears: 0,
        is_to_drain: false,
    };
    let draining = Member { hears: 2, ..row(second, "é한", 2, MemberState::Draining, 3) };
    assert_eq!(store.members().await.unwrap(), [row(first, "a", 0, MemberState::Up, 0), draining.clone()]);
    // The last word stays, and a number is nobody else's.
    assert!(store.beat_member(first, MemberState::Stopped, 0, 0).await.unwrap());
    assert!(!store.beat_member(first, MemberState::Up, 1, 0).await.unwrap());
    assert!(!store.enter_member(&row(first, "b", 0, MemberState::Up, 0)).await.unwrap());
    assert_eq!(store.members().await.unwrap()[0], row(first, "a", 1, MemberState::Stopped, 0));
    // What is wished of a server stays with its life.
    for wish in [true, true, false] {
        assert!(store.wish_drain(second, wish).await.unwrap());
        assert_eq!(store.members().await.unwrap()[1], Member { is_to_drain: wish, ..draining.clone() });
    }
    assert!(
        !store.wish_drain(first, true).await.unwrap() && !store.wish_drain(NodeNo(7), true).await.unwrap()
    );
    // Only what stood still is taken away, and who comes back has its number.
    store.forget_member(second, 1).await.unwrap();
    assert_eq!(store.members().await.unwrap().len(), 2);
    store.forget_member(first, 1).await.unwrap();
    assert_eq!(store.members().await.unwrap(), [draining]);
    assert!(!store.beat_member(first, MemberState::Up, 1, 0).await.unwrap());
    assert!(store.enter_member(&row(first, "a", 0, MemberState::Up, 1)).await.unwrap());
    assert_eq!(store.join_members(&about("c")).await.unwrap(), NodeNo(3));
    // Servers that start at once have numbers of their own.
    let about = about("d");
    let at_once = join_all((0..5).map(|_| store.join_members(&about))).await;
    let mut numbers: Vec<_> = at_once.into_iter().map(|node| node.unwrap().0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 5, "{numbers:?}");
    assert!(numbers[0] > 3);
    store.database_time().await.unwrap();
}

pub async fn outages_are_counted_once(store: &dyn Store) {
    let (concert, _) = add_concert(store, 10).await;
    let writer = WriterId(random_id());
    let (second, gap) = (Duration::from_secs(1), Duration::from_secs(3));
    let outages = || async { store.load_sale(concert, NOW).await.unwrap().outages };
    // Waiting for its first writer is no outage, and neither is a beat that comes in time.
    store.claim(concert, writer, NOW + DAY, None).await.unwrap();
    let start = NOW + DAY;
    assert_eq!(store.heartbeat(writer, start + gap, gap).await.unwrap(), [(concert, Duration::ZERO)]);
    // A beat that comes late adds the whole gap, once.
    let late = start + gap + gap + second;
    assert_eq!(store.heartbeat(writer, late, gap).await.unwrap(), [(concert, gap + second)]);
    assert_eq!(store.heartbeat(writer, late, gap).await.unwrap(), [(concert, gap + second)]);
    // A takeover adds the time since the last beat; one that follows at once adds nothing.
    let successor = WriterId(random_id());
    store.claim(concert, successor, late + DAY, None).await.unwrap();
    store.claim(concert, successor, late + DAY, None).await.unwrap();
    assert_eq!(outages().await, gap + second + DAY);
    // A clock that stepped back took no time from anybody.
    store.heartbeat(successor, late, gap).await.unwrap();
    assert_eq!(outages().await, gap + second + DAY);
}

pub async fn a_sale_given_free_can_be_claimed_at_once(store: &dyn Store) {
    let (concert, _) = add_concert(store, 10).await;
    let (one, other) = (WriterId(random_id()), WriterId(random_id()));
    let lease = Duration::from_secs(5);
    assert!(!store.is_served(NOW).await.unwrap(), "nobody was here yet");
    store.claim(concert, one, NOW, None).await.unwrap();
    for (at, is_served) in [(NOW, true), (NOW + lease - Duration::from_millis(1), true), (NOW + lease, false)]
    {
        assert_eq!(store.is_served(at).await.unwrap(), is_served, "{at:?}");
    }
    store.release_claims(one, Some(NOW + lease)).await.unwrap();
    assert!(!store.is_served(NOW).await.unwrap(), "it has stopped");
    assert_eq!(store.heartbeat(one, NOW + lease, lease).await.unwrap(), []);
    let second = Duration::from_secs(1);
    store.claim(concert, other, NOW + lease + second, None).await.unwrap();
    assert_eq!(store.load_sale(concert, NOW).await.unwrap().outages, second);
    // Time stands still since its last beat for a writer that is known to be dead.
    let third = WriterId(random_id());
    store.release_claims(other, None).await.unwrap();
    store.claim(concert, third, NOW + lease + second + second, None).await.unwrap();
    assert_eq!(store.load_sale(concert, NOW).await.unwrap().outages, second + second);
}

pub async fn a_sale_given_away_names_its_heir_until_it_is_claimed(store: &dyn Store) {
    let (concert, _) = add_concert(store, 10).await;
    let (kept, _) = add_concert(store, 10).await;
    let (one, heir, second) = (WriterId(random_id()), NodeNo(2), Duration::from_secs(1));
    let first = store.claim(concert, one, NOW, None).await.unwrap();
    store.claim(kept, one, NOW, None).await.unwrap();
    for _ in 0..2 {
        assert!(store.wish_move(concert, NodeNo(3)).await.unwrap());
    }
    assert!(!store.wish_move(ConcertId(999), NodeNo(3)).await.unwrap());
    let held =
        Holder { writer: Some(one), epoch: first.epoch, heartbeat: Some(NOW), moves_to: Some(NodeNo(3)) };
    assert_eq!(store.holder(concert).await.unwrap(), held);
    // Who does not have it gives nothing away.
    for claim in [(WriterId(random_id()), first.epoch), (one, first.epoch + 1)] {
        store.give_claim(concert, claim, NOW + second, heir).await.unwrap();
        assert_eq!(store.holder(concert).await.unwrap(), held);
    }
    store.give_claim(concert, (one, first.epoch), NOW + second, heir).await.unwrap();
    let given = Holder { writer: None, heartbeat: Some(NOW + second), moves_to: Some(heir), ..held };
    assert_eq!(store.holder(concert).await.unwrap(), given);
    assert!(store.holders().await.unwrap().contains(&(concert, given)));
    assert_eq!(store.holder(kept).await.unwrap().writer, Some(one));
    let other = WriterId(random_id());
    store.claim(concert, other, NOW + second + second, Some(given)).await.unwrap();
    let claimed = store.holder(concert).await.unwrap();
    assert_eq!((claimed.writer, claimed.moves_to), (Some(other), None));
    assert_eq!(store.load_sale(concert, NOW).await.unwrap().outages, second);
}

pub async fn settling_tells_a_committed_batch_from_a_lost_one(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let token = world.waiting(UserId(1));
    let there = world.batch(vec![Event::Joined(token)], Vec::new());
    world.try_commit(&there).await.unwrap();
    assert!(world.lane.settle(&there).await.unwrap());

    let next = world.waiting(UserId(2));
    let lost = world.batch(vec![Event::Joined(next.clone())], Vec::new());
    assert!(!world.lane.settle(&lost).await.unwrap());
    assert!(!world.lane.settle(&lost).await.unwrap());
    // It can never appear: its place is taken.
    assert!(matches!(world.try_commit(&lost).await, Err(CommitError::SteppedDown { .. })));
    let position = JournalPosition { seq: lost.sales[0].seq, batch: lost.void_id() };
    assert_eq!(world.load().await.journal, position);
    world.journal = position;
    world.commit(vec![Event::Joined(next)]).await;
    assert_eq!(world.load().await.tokens.len(), 2);

    // A sale that somebody else runs by now has no place left for a void row.
    let joining = world.joining(UserId(3));
    let unknown = world.batch(joining, Vec::new());
    store.claim(world.concert, WriterId(random_id()), NOW, None).await.unwrap();
    assert!(matches!(world.lane.settle(&unknown).await, Err(CommitError::SteppedDown { .. })));
}

pub async fn settling_finds_charges_by_themselves(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(0).await;
    let there = world.charge(user, 5, 0, "there");
    let there = world.batch(Vec::new(), vec![there]);
    world.try_commit(&there).await.unwrap();
    assert!(world.lane.settle(&there).await.unwrap());
    let lost = world.charge(user, 5, 5, "lost");
    let lost = world.batch(Vec::new(), vec![lost]);
    assert!(!world.lane.settle(&lost).await.unwrap());
    assert_eq!(store.balance(user).await.unwrap(), Some(5));
}

pub async fn what_breaks_a_rule_is_refused_whole(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(100).await;
    let token = world.admit(user).await;
    let held = world.held(user, &[1]);
    world.commit(vec![opened(&held)]).await;
    let before = world.journal;

    let twice = Event::Joined(world.waiting(user));
    let backwards = Event::TokenEnded(TokenRecord { status: TokenStatus::Done, ..token.clone() });
    let nowhere = opened(&world.held(user, &[10]));
    let broke = world.paid(&Reservation { amount: 101, ..held.clone() }, 100);
    for event in [twice, backwards, nowhere] {
        let bystander = Event::Joined(world.waiting(UserId(77)));
        let batch = world.batch(vec![bystander, event], Vec::new());
        let following = world.following(&batch);
        let refused = world.tables.follow(&following).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(_)), "{refused:?}");
    }
    let bystander = Event::Joined(world.waiting(UserId(77)));
    let batch = world.batch(vec![bystander, broke], Vec::new());
    let refused = world.try_commit(&batch).await.unwrap_err();
    assert!(matches!(refused, CommitError::NotCommitted(StoreError::Refused(_))), "{refused:?}");
    let sale = world.load().await;
    assert_eq!((sale.tokens, sale.reservations, sale.journal), (vec![token], vec![held.clone()], before));
    assert_eq!(store.balance(user).await.unwrap(), Some(100));
    // The lane goes on.
    let pay = world.paid(&held, 100);
    world.commit(vec![pay]).await;
}

pub async fn a_ledger_entry_that_does_not_continue_its_wallet_is_refused(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(100).await;
    let charge = world.charge(user, 5, 90, "stale");
    let batch = world.batch(Vec::new(), vec![charge]);
    let refused = world.try_commit(&batch).await.unwrap_err();
    assert!(matches!(refused, CommitError::NotCommitted(StoreError::Refused(_))));
    assert_eq!(store.history(user, None, 9).await.unwrap().len(), 1);
}

pub async fn a_lane_can_let_go(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let user = world.user(1).await;
    let needs = Needs { wallets: vec![user], ..Needs::default() };
    world.lane.begin(&needs).await.unwrap();
    world.lane.rollback().await.unwrap();
    world.lane.rollback().await.unwrap();
    // Nobody waits for the lane now, and a batch that was begun and forgotten does not stand in its own way.
    world.user(2).await;
    world.lane.begin(&needs).await.unwrap();
    assert_eq!(world.lane.begin(&needs).await.unwrap().wallets.balance(user), Some(1));
    assert!(world.lane.begin(&Needs::default()).await.unwrap().wallets.balance(user).is_none());
    world.user(3).await;
    let joined = world.waiting(user);
    world.commit(vec![Event::Joined(joined)]).await;
}

pub async fn tables_follow_in_steps_that_are_taken_once(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (one, other) = (world.user(0).await, world.user(0).await);
    let (first, second) = (world.waiting(one), world.waiting(other));
    let begun = world.journal.seq;
    let held = world.held(one, &[3]);
    let released = lapsed(&held, ReservationStatus::Cancelled, HoldEnd::Released);
    let let_in = Event::Admitted(admitted(&first));
    let batches = [vec![Event::Joined(first), let_in, opened(&held)], vec![Event::Joined(second), released]];
    let mut events = Vec::new();
    for batch in batches {
        let batch = world.batch(batch, Vec::new());
        world.lane.commit(&batch).await.unwrap();
        world.journal = JournalPosition { seq: batch.sales[0].seq, batch: batch.id };
        events.push(Arc::new(batch.sales[0].events.clone()));
    }
    assert_eq!(world.load().await.tokens.len(), 0, "they are behind");
    let (concert, writer) = (world.concert, world.writer);
    let behind = Behind { concert, applied: begun, end: begun + 2 };
    assert_eq!(store.behind().await.unwrap(), [behind]);
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());

    let both = following(concert, writer, (begun, begun + 2), events.clone());
    let stranger = Following { writer: WriterId(random_id()), ..both.clone() };
    assert!(matches!(world.tables.follow(&stranger).await, Err(StoreError::Claimed { .. })));
    let one = Following { to: begun + 1, events: events[..1].to_vec(), ..both.clone() };
    assert_eq!(world.tables.follow(&one).await.unwrap(), begun + 1);
    // The same again, as after an outcome that nobody learnt, and more of it, change nothing.
    for again in [&one, &both] {
        assert_eq!(world.tables.follow(again).await.unwrap(), begun + 1);
    }
    assert_eq!(world.seats().await, [(3, SeatStatus::TempReserved, held.id)]);

    // Whoever claims it goes on from there, and the former one writes nothing more.
    let successor = WriterId(random_id());
    store.claim(concert, successor, NOW, None).await.unwrap();
    let rest = Following { from: begun + 1, events: events[1..].to_vec(), ..both };
    assert!(matches!(world.tables.follow(&rest).await, Err(StoreError::Claimed { .. })));
    assert_eq!(store.catch_up(concert, successor, 1).await.unwrap(), 2, "a batch and the claim");
    assert_eq!(store.behind().await.unwrap(), []);
    assert_eq!((world.seats().await, world.load().await.tokens.len()), (Vec::new(), 2));
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
}

pub async fn what_ended_soon_is_written_as_it_ended(store: &dyn Store) {
    for caught_up in [false, true] {
        let mut world = World::new(store, 10).await;
        world.ids = IdSource::seeded([u8::from(caught_up); 32]);
        let (one, other) = (world.user(0).await, world.user(1_000).await);
        let (first, second) = (world.waiting(one), world.waiting(other));
        let (in_first, in_second) = (admitted(&first), admitted(&second));
        let (given_back, bought) = (world.held(one, &[3, 4]), world.held(other, &[7]));
        let kept = world.held(one, &[3]);
        let paid = world.paid(&bought, 1_000);
        let rows = [
            vec![Event::Joined(first), Event::Joined(second), Event::Admitted(in_first)],
            vec![Event::Admitted(in_second.clone()), opened(&given_back), opened(&bought)],
            vec![lapsed(&given_back, ReservationStatus::Cancelled, HoldEnd::Released), opened(&kept)],
            vec![paid, Event::TokenEnded(ended(&in_second, TokenStatus::Done))],
        ];
        let begun = world.journal.seq;
        let mut events = Vec::new();
        for row in rows {
            let batch = world.batch(row, Vec::new());
            let wallets = frontrow::store::rows::Rows::at_once(&batch).wallet_users();
            world.lane.begin(&Needs { wallets, ..Needs::default() }).await.unwrap();
            world.lane.commit(&batch).await.unwrap();
            world.journal = JournalPosition { seq: batch.sales[0].seq, batch: batch.id };
            events.push(Arc::new(batch.sales[0].events.clone()));
        }
        let (concert, writer) = (world.concert, world.writer);
        // Two rows, with the end of everything that ends behind them.
        let (ended, ends): (Vec<_>, Vec<_>) = events[2..].iter().flat_map(End::all_of).unzip();
        let passed = |rows: &[Arc<Vec<Event>>]| {
            let is_passed = |event: &Event| Ends::of(event).is_some_and(|of| ended.contains(&of));
            rows.iter().flat_map(|events| events.iter()).map(is_passed).collect()
        };
        let early = following(concert, writer, (begun, begun + 2), events[..2].to_vec());
        let early = Following { passed: passed(&events[..2]), ends, ..early };
        assert_eq!(world.tables.follow(&early).await.unwrap(), begun + 2);
        let sold = (7, SeatStatus::Reserved, bought.id);
        assert_eq!(world.seats().await, [sold], "what comes back was never taken");
        assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
        if caught_up {
            let successor = WriterId(random_id());
            store.claim(concert, successor, NOW, None).await.unwrap();
            assert_eq!(store.catch_up(concert, successor, 1).await.unwrap(), 3, "two rows and the claim");
        } else {
            let rest = following(concert, writer, (begun + 2, begun + 4), events[2..].to_vec());
            let rest = Following { passed: passed(&events[2..]), ..rest };
            assert_eq!(world.tables.follow(&rest).await.unwrap(), begun + 4);
        }
        assert_eq!(store.behind().await.unwrap(), []);
        assert_eq!(world.seats().await, [(3, SeatStatus::TempReserved, kept.id), sold]);
        let states: Vec<_> =
            world.load().await.tokens.iter().map(|token| (token.user, token.status)).collect();
        assert_eq!(states, [(one, TokenStatus::Progress)]);
        assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    }
}

pub async fn guests_of_what_is_caught_up_with_are_kept_for_as_long_as_they_hold(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let guest_of = Some(AddressBlock(7));
    let user = world.user(0).await;
    let stays = Reservation { guest_of, ..world.held(user, &[1]) };
    let goes = Reservation { guest_of, ..world.held(UserId(2), &[2]) };
    let (token, other) = (world.waiting(user), world.waiting(UserId(2)));
    let events = vec![
        Event::Joined(token.clone()),
        Event::Admitted(admitted(&token)),
        Event::Joined(other.clone()),
        Event::Admitted(admitted(&other)),
        opened(&stays),
        opened(&goes),
        lapsed(&goes, ReservationStatus::Cancelled, HoldEnd::Released),
    ];
    let batch = world.batch(events, Vec::new());
    world.lane.commit(&batch).await.unwrap();
    let successor = WriterId(random_id());
    store.claim(world.concert, successor, NOW, None).await.unwrap();
    store.catch_up(world.concert, successor, 100).await.unwrap();
    assert_eq!(world.load().await.reservations, [stays]);
    assert_eq!(store.reservations(UserId(2)).await.unwrap()[0].guest_of, None);
}

/// More than lie together: one of hers before those of all others, one among them, and one behind.
/// More users than a statement has room for, as after the end of a server.
pub async fn a_copy_tells_those_who_missed_something_what_became_of_it(store: &dyn Store) {
    let mut world = World::new(store, 700).await;
    let new = NewUser { name: "Fan".into(), balance: 0, guest: false, at: NOW };
    let mut users = store.add_users(new, 700).await.unwrap();
    users.sort_unstable();
    let since = world.journal.seq;
    let (mut events, mut tokens, mut holds) = (Vec::new(), Vec::new(), Vec::new());
    for (seat, user) in (0..).zip(&users) {
        let joined = world.waiting(*user);
        let (let_in, hold) = (admitted(&joined), world.held(*user, &[seat]));
        events.extend([Event::Joined(joined), Event::Admitted(let_in.clone()), opened(&hold)]);
        tokens.push(let_in);
        holds.push(hold);
    }
    world.commit(events).await;
    let applied = world.journal.seq;
    // What follows is in the journal alone.
    let released = lapsed(&holds[0], ReservationStatus::Cancelled, HoldEnd::Released);
    let behind = world.batch(vec![released], Vec::new());
    world.lane.commit(&behind).await.unwrap();

    let (known, stranger) = users.split_at(699);
    let missed = |since| Some(Missed { since, users: known.to_vec() });
    let copy = store.load_copy(world.concert, NOW, missed(since)).await.unwrap();
    assert_eq!((copy.applied, copy.sale.journal.seq), (applied, applied + 1));
    let sorted = |mut ids: Vec<ReservationId>| {
        ids.sort_unstable();
        ids
    };
    let (mut found, told) = (copy.tokens, copy.reservations);
    found.sort_by_key(|token| token.entry);
    assert_eq!(found, tokens[..699]);
    assert!(
        told.iter().all(|hold| hold.user != stranger[0] && hold.status == ReservationStatus::TempReserved)
    );
    let ids = |holds: &[Reservation]| sorted(holds.iter().map(|hold| hold.id).collect());
    assert_eq!(ids(&told), ids(&holds[1..699]));

    let copy = store.load_copy(world.concert, NOW, missed(applied)).await.unwrap();
    assert_eq!((copy.tokens, copy.reservations), (Vec::new(), Vec::new()));
    let copy = store.load_copy(world.concert, NOW, None).await.unwrap();
    assert_eq!((copy.tokens, copy.reservations), (Vec::new(), Vec::new()));
}

pub async fn reservations_of_a_user_are_found_wherever_they_lie(store: &dyn Store) {
    const OTHERS_AT_ONCE: usize = 4_000;
    const OTHERS: usize = 40_000;
    let mut world = World::new(store, 10).await;
    let (user, other) = (world.user(0).await, world.user(0).await);
    world.admit(user).await;
    world.admit(other).await;
    let mut hers = Vec::new();
    for round in 0..=OTHERS / OTHERS_AT_ONCE {
        let mut events = Vec::new();
        if [0, 5, OTHERS / OTHERS_AT_ONCE].contains(&round) {
            let opened_at = NOW + Duration::from_millis(round as u64);
            let opened = Reservation { opened_at, ..world.held(user, &[1]) };
            events.push(self::opened(&opened));
            events.push(lapsed(&opened, ReservationStatus::Cancelled, HoldEnd::Released));
            hers.insert(0, opened.id);
        }
        for _ in 0..OTHERS_AT_ONCE {
            let opened = world.held(other, &[2]);
            events.push(self::opened(&opened));
            events.push(lapsed(&opened, ReservationStatus::Cancelled, HoldEnd::Released));
        }
        world.commit(events).await;
    }
    let listed = store.reservations(user).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), hers);
    assert_eq!(store.reservations(other).await.unwrap().len(), 200, "as many as are listed");
}

pub async fn only_concerts_with_something_left_are_run(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let (other, _) = add_concert(store, 10).await;
    assert_eq!(store.concerts_to_run(NOW).await.unwrap(), [world.concert, other]);
    // A show may break off, and its orders are given back then.
    assert_eq!(store.concerts_to_run(NOW + 60 * DAY).await.unwrap(), [world.concert, other]);
    let over = NOW + 62 * DAY;
    assert_eq!(store.concerts_to_run(over).await.unwrap(), []);
    let token = world.waiting(UserId(1));
    world.commit(vec![Event::Joined(token.clone())]).await;
    assert_eq!(store.concerts_to_run(over).await.unwrap(), [world.concert]);
    let left = ended(&token, TokenStatus::Expired(ExpiryReason::Left));
    world.commit(vec![Event::TokenEnded(left)]).await;
    assert_eq!(store.concerts_to_run(over).await.unwrap(), []);
}

/// An evening with something of everything, in concert 1 with schedules 1 and 2 of ten seats. User 1 bought seats 0
/// and 1; user 2 bought seat 2 and gave it back; user 3 holds seats 4 and 5; user 4 waits; user 5 is admitted and
/// lost seat 6; user 6 left. User 2 charged 10 beside the 1,000 that each began with. Operator 7 lets 9 in at once, and keeps
/// seats 7 and 8 of schedule 2 from sale.
pub async fn evening(store: &dyn Store) {
    let mut world = World::new(store, 10).await;
    let mut fans = Vec::new();
    for _ in 0..6 {
        fans.push(world.user(1_000).await);
    }
    let mut tokens = Vec::new();
    for fan in [0, 1, 2] {
        tokens.push(world.admit(fans[fan]).await);
    }
    let waiting = world.joining(fans[3]);
    world.commit(waiting).await;
    world.admit(fans[4]).await;
    let leaving = world.waiting(fans[5]);
    let left = ended(&leaving, TokenStatus::Expired(ExpiryReason::Left));
    world.commit(vec![Event::Joined(leaving), Event::TokenEnded(left)]).await;

    let first = world.held(fans[0], &[0]);
    world.commit(vec![opened(&first)]).await;
    let more =
        Reservation { seats: vec![SeatId(0), SeatId(1), SeatId(3)], amount: VIP + 2 * REST, ..first.clone() };
    world.commit(vec![held(&more, &[SeatId(1), SeatId(3)], false)]).await;
    let fewer = Reservation { seats: vec![SeatId(0), SeatId(1)], amount: VIP + REST, ..more };
    world.commit(vec![Event::SeatsReleased { reservation: fewer.clone(), seats: vec![SeatId(3)] }]).await;
    let pay = world.paid(&fewer, 1_000);
    world.commit(vec![pay, Event::TokenEnded(ended(&tokens[0], TokenStatus::Done))]).await;

    let second = world.held(fans[1], &[2]);
    let charge = world.charge(fans[1], 10, 1_000, "r");
    let batch = world.batch(vec![opened(&second)], vec![charge]);
    world.try_commit(&batch).await.unwrap();
    let pay = world.paid(&second, 1_010);
    world.commit(vec![pay.clone(), Event::TokenEnded(ended(&tokens[1], TokenStatus::Done))]).await;
    let refund = world.refunded(&pay);
    world.commit(vec![refund]).await;

    let (third, fifth) = (world.held(fans[2], &[4, 5]), world.held(fans[4], &[6]));
    let lapse = lapsed(&fifth, ReservationStatus::Expired, HoldEnd::HoldTime);
    world.commit(vec![opened(&third), opened(&fifth), lapse]).await;

    let by = Actor { who: Who::Operator(OperatorId(7)), from: Some("::1".into()) };
    let before = Box::new(world.load().await.settings);
    let own = OwnRules { capacity: Some(9), ..before.own };
    let after = Box::new(SaleSettings { own, ..(*before).clone() });
    let kept = HouseSeats::new(world.schedules[1], vec![SeatId(7), SeatId(8)], Some("cameras"), &by);
    let set = Event::SettingsChanged { before, after, by: By::Actor(by) };
    world.commit(vec![set, Event::SeatsRestricted(kept)]).await;
    store.claim(world.concert, world.writer, NOW + TTL, None).await.unwrap();
}

pub async fn an_honest_evening_is_audited_clean(store: &dyn Store) {
    assert_eq!(store.audit().await.unwrap().faults, Vec::<String>::new());
    evening(store).await;
    let report = store.audit().await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    let seen = |what| report.seen.get(what).copied().unwrap_or_default();
    let counts = ["users", "concerts", "seats", "tokens", "reservations", "payments", "tickets"].map(seen);
    assert_eq!(counts, [6, 1, 20, 6, 4, 2, 3]);
    assert_eq!(seen("ledger entries"), 6 + 1 + 2 + 1);
    assert!(seen("journal rows") > 10);
}

pub async fn what_does_not_exist_is_none_or_named(store: &dyn Store) {
    store.ping().await.unwrap();
    for user in [UserId(0), UserId(1), UserId(u64::MAX)] {
        assert_eq!(store.user(user).await.unwrap(), None);
        assert_eq!(store.balance(user).await.unwrap(), None);
        assert_eq!(store.history(user, None, 9).await.unwrap(), []);
        assert_eq!(store.reservations(user).await.unwrap(), []);
        assert_eq!(store.tickets(user).await.unwrap(), []);
        assert_eq!(store.last_tokens(user).await.unwrap(), []);
    }
    let missing = store.load_sale(ConcertId(5), NOW).await.err();
    assert!(matches!(missing, Some(StoreError::NoSuchConcert { concert: ConcertId(5) })));
}
