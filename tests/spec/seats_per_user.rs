//! A user has so many seats of a sale and no more, held and bought together: through both doors, from every device, and over
//! a restart; an operator may change it at any time, which takes nothing away.

use serde_json::{Value, json};

use crate::harness::{Fan, House, Plan};

fn limited_to_four() -> Plan {
    Plan { schedules: 2, settings: |config| config.sale.seats_per_user_max = 4, ..Plan::default() }
}

/// A fan who has bought joins again.
async fn join(fan: &mut Fan, house: &House) {
    let place = fan.ok("queue.join", json!({"concert_id": house.concert.0})).await;
    assert_eq!(place["status"], "PROGRESS");
}

async fn buy(fan: &mut Fan, held: &Value) {
    fan.ok("pay", json!({"reservation_id": held["reservation_id"]})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fan_in_four_rounds_of_four_gets_four() {
    let mut house = House::open(limited_to_four()).await;
    let schedule = house.schedule();
    let user = house.user(10_000_000).await;
    let token = house.access_token(user);
    let mut fan = house.connection_of(user).await;
    let four =
        |first: u32| json!({"schedule_id": schedule, "seats": [first, first + 1, first + 2, first + 3]});
    join(&mut fan, &house).await;
    let held = fan.ok("hold", four(0)).await;
    buy(&mut fan, &held).await;
    for round in 1..4 {
        join(&mut fan, &house).await;
        let refused = fan.call("hold", four(4 * round)).await.unwrap_err();
        assert_eq!((&*refused.reason, &refused.data["max"]), ("PURCHASE_LIMIT", &json!(4)));
        let best = json!({"schedule_id": house.schedules[1], "count": 1});
        assert_eq!(fan.refused("hold_best", best.clone()).await, "PURCHASE_LIMIT");
        for body in [four(4 * round), best] {
            let over_http = house.http("POST", "/api/v1/reservations", Some(&token), &body.to_string()).await;
            assert_eq!(over_http.outcome(), (409, "PURCHASE_LIMIT".to_owned()));
            assert_eq!(over_http.json()["max"], 4);
        }
        fan.ok("queue.leave", json!({})).await;
    }
    let tickets = fan.ok("tickets", json!({})).await;
    assert_eq!(tickets["tickets"].as_array().unwrap().len(), 4);

    // A restart forgets nothing.
    house.restart_with(|_| {}).await;
    let mut fan = house.connection_of(user).await;
    join(&mut fan, &house).await;
    assert_eq!(fan.refused("hold", json!({"schedule_id": schedule, "seats": [9]})).await, "PURCHASE_LIMIT");
    // Cancelled seats count no longer.
    fan.ok("cancel", json!({"reservation_id": held["reservation_id"]})).await;
    let held = fan.ok("hold_best", json!({"schedule_id": schedule, "count": 4})).await;
    assert_eq!(held["seats"].as_array().unwrap().len(), 4);
    buy(&mut fan, &held).await;
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_at_once_get_no_more_than_one() {
    let house = House::open(limited_to_four()).await;
    let user = house.user(0).await;
    let (mut phone, mut laptop) = (house.connection_of(user).await, house.connection_of(user).await);
    join(&mut phone, &house).await;
    join(&mut laptop, &house).await;
    for first in [0, 3, 6] {
        let three = |schedule| json!({"schedule_id": schedule, "seats": [first, first + 1, first + 2]});
        let (one, other) = tokio::join!(
            phone.call("hold", three(house.schedules[0])),
            laptop.call("hold", three(house.schedules[1])),
        );
        let (held, refused) = match (one, other) {
            (Ok(held), Err(refused)) | (Err(refused), Ok(held)) => (held, refused),
            both => panic!("three and three are more than four: {both:?}"),
        };
        assert_eq!((&*refused.reason, &refused.data["max"]), ("PURCHASE_LIMIT", &json!(4)));
        phone.ok("release", json!({"reservation_id": held["reservation_id"]})).await;
    }
    house.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_lowers_the_limit_and_takes_nothing_away() {
    let house = House::open(limited_to_four()).await;
    let (mut fan, _) = house.joined(10_000_000).await;
    let limit = async |fan: &mut Fan| {
        let concerts = fan.ok("concerts", json!({})).await["concerts"][0]["seats_per_user_max"].clone();
        let schedules = fan.ok("schedules", json!({})).await["schedules"][0]["seats_per_user_max"].clone();
        assert_eq!(concerts, schedules);
        concerts
    };
    assert_eq!(limit(&mut fan).await, 4);
    let hold = |seats: Value| json!({"schedule_id": house.schedule(), "seats": seats});
    let held = fan.ok("hold", hold(json!([0, 1, 2]))).await;

    let (path, operator) = (format!("/api/v1/admin/sales/{}", house.concert), house.operator_token());
    let set = async |max: Value| {
        let patch = json!({"seats_per_user_max": max}).to_string();
        let figures = house.http("PATCH", &path, Some(&operator), &patch).await.json();
        (
            figures["settings"]["seats_per_user_max"].clone(),
            figures["settings_own"]["seats_per_user_max"].clone(),
        )
    };
    assert_eq!(set(json!(2)).await, (json!(2), json!(2)));
    assert_eq!(limit(&mut fan).await, 2);
    assert_eq!(fan.refused("hold", hold(json!([3]))).await, "PURCHASE_LIMIT");
    // A seat that is held already adds none.
    assert_eq!(fan.ok("hold", hold(json!([1, 2]))).await["seats"], held["seats"]);
    buy(&mut fan, &held).await;
    join(&mut fan, &house).await;
    assert_eq!(fan.refused("hold", hold(json!([3]))).await, "PURCHASE_LIMIT");
    assert_eq!(set(json!(0)).await, (json!(0), json!(0)));
    fan.ok("hold", hold(json!([3, 4]))).await;
    assert_eq!(set(Value::Null).await, (json!(4), Value::Null));
    assert_eq!(fan.refused("hold", hold(json!([5]))).await, "PURCHASE_LIMIT");
    let too_many = house.http("PATCH", &path, Some(&operator), r#"{"seats_per_user_max":10001}"#).await;
    assert_eq!(too_many.outcome(), (400, "INVALID_PARAMS".to_owned()));
    house.audit().await;
}
