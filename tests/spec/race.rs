//! Many fans, few seats.

use frontrow_protocol::limits::CAPACITY_MAX;
use serde_json::json;

use crate::harness::{House, Plan};

const FANS: usize = 500;
const SEATS: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_seat_is_sold_once_and_every_loser_gets_an_answer() {
    let house = House::open(Plan { seats: 600, capacity: CAPACITY_MAX, ..Plan::default() }).await;
    let schedule = house.schedule();
    let mut fans = Vec::new();
    for _ in 0..FANS {
        fans.push(house.joined(1_000_000).await.0);
    }
    let races = fans.into_iter().enumerate().map(|(n, mut fan)| {
        tokio::spawn(async move {
            // Everybody wants the same seats, each begins with another one.
            for turn in 0..SEATS {
                let seat = (n as u32 + turn) % SEATS;
                match fan.call("hold", json!({"schedule_id": schedule, "seats": [seat]})).await {
                    Ok(held) => {
                        let reservation = json!({"reservation_id": held["reservation_id"]});
                        fan.ok("pay", reservation).await;
                        return Some(seat);
                    }
                    Err(refused) if refused.reason == "RATE_LIMITED" => return None,
                    Err(refused) => {
                        assert_eq!(refused.reason, "SEAT_TAKEN");
                        assert_eq!(refused.data["seats"], json!([seat]));
                    }
                }
            }
            None
        })
    });
    let mut sold = Vec::new();
    for race in races.collect::<Vec<_>>() {
        sold.extend(race.await.unwrap());
    }
    sold.sort_unstable();
    let once: Vec<u32> = (0..SEATS).collect();
    assert_eq!(sold, once);
    house.audit().await;
}
