//! A concert's own page: what anybody may know of it, and what a shared link says to whoever reads only its head.

use std::time::Duration;

use frontrow::domain::record::SaleState;
use frontrow::domain::rules::{OwnRules, SaleSettings};
use frontrow::store::NewConcert;
use frontrow::venue::{self, ImportOptions, Shape};
use serde_json::{Value, json};

use super::harness::{House, Plan};

const DAY: Duration = Duration::from_secs(86_400);

/// A concert whose texts are what somebody hostile would write.
async fn house_with(title: &str, about: Value) -> (House, String) {
    let mut house = House::open(Plan::default()).await;
    let hall = venue::generate(20, Shape::Hall).unwrap();
    let prices = venue::suggested_prices(&hall);
    let imported = venue::import(hall.to_string().as_bytes(), &prices, ImportOptions::default()).unwrap();
    let now = house.clock.utc();
    let concert = NewConcert {
        title: title.to_owned(),
        currency: "KRW".into(),
        time_zone: Some("Asia/Seoul".into()),
        layout: imported.layout,
        starts_at: vec![now + 30 * DAY],
        restricted: Vec::new(),
        about: Some(about.to_string().into()),
        again: false,
        settings: SaleSettings {
            state: SaleState::Open,
            opens_at: None,
            message: None,
            own: OwnRules::default(),
        },
        at: now,
    };
    let (concert, _) = house.store().add_concert(concert).await.unwrap();
    house.stop().await;
    house.start().await;
    (house, concert.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concert_says_what_it_is_what_it_costs_and_what_is_left() {
    let about = json!({"texts": {"description": "Two evenings."}, "map_url": "https://osm.org/1"});
    let (house, concert) = house_with("Opening night", about.clone()).await;
    let path = format!("/api/v1/concerts/{concert}");
    let reply = house.http("GET", &path, None, "").await;
    assert_eq!(reply.status, 200);
    let page = reply.json();
    assert_eq!((&page["about"], &page["concert"]["title"]), (&about, &json!("Opening night")));
    assert_eq!(page["cancel_before_start_ms"], 86_400_000);
    let schedules = page["schedules"].as_array().unwrap();
    let categories = schedules[0]["categories"].as_array().unwrap();
    let left = |categories: &[Value]| categories.iter().map(|c| c["left"].as_u64().unwrap()).sum::<u64>();
    assert_eq!((schedules.len(), left(categories)), (1, 20));
    assert!(categories.iter().all(|category| category["price"].as_i64().unwrap() > 0));
    let known = house.http_with("GET", &path, &[("if-none-match", reply.header("etag"))], "").await;
    assert_eq!(known.status, 304);

    // What is sold or kept is not left, two seconds later at the latest.
    let schedule = &schedules[0]["schedule_id"];
    let keep = json!({"restrict": true, "select": {"seats": [0, 1, 2]}}).to_string();
    let seats = format!("/api/v1/admin/schedules/{schedule}/seats");
    assert_eq!(house.http("POST", &seats, Some(&house.operator_token()), &keep).await.status, 200);
    house.advance(2);
    let page = house.http("GET", &path, None, "").await.json();
    assert_eq!(left(page["schedules"][0]["categories"].as_array().unwrap()), 17);
    for (unknown, outcome) in [("999", (404, "CONCERT_NOT_FOUND")), ("x", (400, "INVALID_PARAMS"))] {
        let reply = house.http("GET", &format!("/api/v1/concerts/{unknown}"), None, "").await;
        assert_eq!(reply.outcome(), (outcome.0, outcome.1.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_link_says_in_its_head_what_it_is_about_and_nothing_else() {
    let title = "</title><script>alert(1)</script>";
    let image = "00112233445566778899aabbccddeeff";
    let long = format!("\"><script>alert(2)</script> {}", "word ".repeat(100));
    let about = json!({"texts": {"description": long, "image_alt": "A \"stage\""}, "image_id": image});
    let (house, concert) = house_with(title, about).await;
    for path in [format!("/concert/{concert}"), format!("/sale/{concert}")] {
        let headers = [("x-forwarded-proto", "https")];
        let origin = format!("https://{}", house.address());
        let reply = house.http_with("GET", &path, &headers, "").await;
        assert_eq!(reply.status, 200);
        let page = String::from_utf8(reply.bytes.to_vec()).unwrap();
        let (head, _) = page.split_once("</head>").unwrap();
        assert!(!page.contains("<script>alert"), "{head}");
        let meta = |name: &str| {
            let begin = format!("<meta property=\"{name}\" content=\"");
            let mut found = head.split(&begin).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
            let first = found.next();
            assert_eq!(found.next(), None, "{name} is there once");
            first
        };
        assert_eq!(meta("og:title").unwrap(), "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
        let card = format!("{origin}/images/{image}-1200.jpg");
        assert_eq!(meta("og:image").unwrap(), card);
        assert_eq!(
            (meta("og:image:width").unwrap(), meta("og:image:height").unwrap()),
            ("1200".into(), "630".into())
        );
        assert_eq!(meta("og:image:alt").unwrap(), "A &quot;stage&quot;");
        let description = meta("og:description").unwrap();
        assert!(
            description.starts_with("&quot;&gt;&lt;script&gt;") && description.ends_with("word …"),
            "{description}"
        );
        assert_eq!(meta("og:url").unwrap(), format!("{origin}{path}"));
    }
    let unknown = house.http("GET", "/concert/999", None, "").await;
    assert_eq!(unknown.status, 200, "the page itself says that there is no such concert");
}
