//! The cost of reading and writing the wire, and what it saves to encode once what goes to many.

use bytes::Bytes;
use divan::{Bencher, black_box};
use frontrow_protocol::push::SeatsUpdate;
use frontrow_protocol::request::Hold;
use frontrow_protocol::result::{Reservation, ReservationStatus, ReservedSeat};
use frontrow_protocol::{
    Push, Request, RequestId, SeatChange, SeatList, SeatState, Timestamp, encode_push, encode_request,
    encode_result, encode_seats, parse_request,
};
use uuid::Uuid;

const WATCHERS: usize = 1_000;

fn main() {
    divan::main();
}

fn delta(changes: u32) -> Push {
    let change = |seat| SeatChange { seat: 40 * seat, state: SeatState::TempReserved };
    Push::SeatsUpdate(SeatsUpdate {
        schedule_id: 7,
        from: 1_812,
        version: 1_815,
        changes: (0..changes).map(change).collect(),
        available: 51_021,
    })
}

#[divan::bench]
fn parse_hold(bencher: Bencher<'_, '_>) {
    let seats = SeatList::try_from(vec![3, 4]).expect("two seats");
    let text = encode_request(&RequestId::Integer(7), &Request::Hold(Hold { schedule_id: 7, seats }));
    bencher.bench(|| parse_request(black_box(&text)));
}

#[divan::bench]
fn encode_reservation(bencher: Bencher<'_, '_>) {
    let seat =
        |seat| ReservedSeat { seat, label: format!("A-{seat}"), category: "VIP".into(), price: 110_000 };
    let reservation = Reservation {
        reservation_id: Uuid::from_u128(1 << 100),
        concert_id: 1,
        schedule_id: 7,
        status: ReservationStatus::TempReserved,
        amount: 220_000,
        expires_at: Some(Timestamp::from_millis(1_800_000_000_000)),
        seats: vec![seat(3), seat(4)],
    };
    bencher.bench(|| encode_result(&RequestId::Integer(7), black_box(&reservation)));
}

/// All seats of a stadium, two bits each, base64.
#[divan::bench(args = [1_000, 100_000])]
fn encode_snapshot(bencher: Bencher<'_, '_>, seats: usize) {
    let states = vec![SeatState::Available; seats];
    bencher.bench(|| encode_seats(black_box(&states).iter().copied()));
}

/// A delta of ten seats for each of a thousand watchers: written anew for each.
#[divan::bench]
fn delta_encoded_for_each(bencher: Bencher<'_, '_>) {
    let delta = delta(10);
    bencher.bench(|| -> Vec<Bytes> {
        (0..WATCHERS).map(|_| Bytes::from(encode_push(black_box(&delta)))).collect()
    });
}

/// The same: written once, shared by all.
#[divan::bench]
fn delta_encoded_once(bencher: Bencher<'_, '_>) {
    let delta = delta(10);
    bencher.bench(|| -> Vec<Bytes> {
        let once = Bytes::from(encode_push(black_box(&delta)));
        (0..WATCHERS).map(|_| once.clone()).collect()
    });
}
