//! Making a concert without a terminal: a draft takes whatever there is, says what is missing, and becomes a concert once.

use std::io::Cursor;
use std::process::Command;
use std::time::Duration;

use frontrow::limits::LARGE_BODIES_AT_ONCE;
use frontrow::venue::{self, Shape};
use frontrow_protocol::Role;
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};

use super::harness::raw::Raw;
use super::harness::{House, Plan, Reply, in_time};

const DRAFTS: &str = "/api/v1/admin/drafts";
const IMAGES: &str = "/api/v1/admin/images";

/// A manager at work.
struct Maker {
    house: House,
    token: String,
}

impl Maker {
    async fn begin() -> Self {
        let house = House::open(Plan::default()).await;
        let (_, token) = house.operator(Role::Manager).await;
        Self { house, token }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.house.http(method, path, Some(&self.token), &body).await
    }

    async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.ask(method, path, &body).await;
        assert!(reply.status < 300, "{method} {path}: {:?}", reply.json());
        reply.json()
    }

    async fn draft(&self, body: Value) -> (String, Value) {
        let draft = self.ok("POST", DRAFTS, body).await;
        (format!("{DRAFTS}/{}", draft["draft_id"]), draft)
    }

    /// A file as it is; the status and the answer.
    async fn upload(&self, path: &str, file: &[u8]) -> (u16, Value) {
        let mut raw = Raw::connect(self.house.address()).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.token,
            file.len()
        );
        raw.send([head.as_bytes(), file].concat()).await;
        let head = raw.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&raw.rest().await).unwrap())
    }
}

/// What is missing, as what and of which.
fn missing(draft: &Value) -> Vec<String> {
    let named = |missing: &Value| {
        let what = missing["what"].as_str().unwrap();
        missing["of"].as_str().map_or_else(|| what.to_owned(), |of| format!("{what} {of}"))
    };
    draft["missing"].as_array().unwrap().iter().map(named).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_says_what_is_missing_until_it_is_announced() {
    let mut maker = Maker::begin().await;
    let (path, draft) = maker.draft(json!({})).await;
    assert_eq!(missing(&draft), ["title", "zone", "plan", "starts_at"]);
    let refused = maker.ask("POST", &format!("{path}/announce"), &json!({"revision": 1})).await;
    assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("draft")));

    // A plan with faults is taken, and each of them is marked.
    let mut plan = venue::generate(40, Shape::Hall).unwrap();
    let sound = plan.clone();
    plan["zones"][0]["rows"][0]["seats"][2]["category"] = json!("Loge");
    plan["zones"][0]["rows"][0]["seats"][3]["status"] = json!("blocked");
    let draft = maker.ok("POST", &format!("{path}/plan?revision=1"), plan).await;
    let fault = &draft["plan"]["faults"][0];
    assert_eq!(fault["path"], "zones[0].rows[0].seats[2].category");
    assert_eq!((&fault["seats"], &draft["plan"]["restricted"]), (&json!([2, 2]), &json!(1)));
    let layout = maker.ok("GET", &format!("{path}/layout"), Value::Null).await;
    assert_eq!((&layout["restricted"], layout["seats"]["x"].as_array().unwrap().len()), (&json!([3]), 40));
    let categories: Vec<_> =
        draft["plan"]["categories"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    let prices = categories.iter().map(|name| format!("price {}", name.as_str().unwrap()));
    let first = ["title".to_owned(), "plan_faults".to_owned()];
    let expected: Vec<_> = first.into_iter().chain(prices).chain(["starts_at".to_owned()]).collect();
    // A made-up plan names its zone.
    assert_eq!(missing(&draft), expected);

    let mut plan = sound;
    plan["zones"][0]["rows"][0]["seats"][3]["status"] = json!("blocked");
    maker.ok("POST", &format!("{path}/plan?revision=2"), plan.clone()).await;
    let prices: Value =
        categories.iter().map(|name| (name.as_str().unwrap().to_owned(), json!(50_000))).collect();
    let change = json!({
        "revision": 3,
        "title": "  Opening night ",
        "starts_at": ["2031-05-01T19:00", "1999-01-01T19:00", "yesterday", "2031-05-01T19:00"],
        "prices": prices,
        "opens_at": "2031-02-30T00:00",
        "rules": {"capacity": 7},
        "about": {"texts": {"description": "Two\r\nevenings."}}
    });
    let draft = maker.ok("PATCH", &path, change).await;
    assert_eq!(
        missing(&draft),
        ["start 1999-01-01T19:00", "time yesterday", "start 2031-05-01T19:00", "opens_at 2031-02-30T00:00"]
    );
    assert_eq!(draft["entered"]["title"], "Opening night");
    let starts = json!(["2031-05-01T19:00", "2031-05-02T19:00"]);
    let draft = maker
        .ok("PATCH", &path, json!({"revision": 4, "starts_at": starts, "opens_at": "", "open": true}))
        .await;
    assert_eq!(missing(&draft), Vec::<String>::new());
    // Its page is that of the concert, but for what only a concert has; and it is nobody's but the operators'.
    let mut preview = maker.ok("GET", &format!("{path}/page"), Value::Null).await;
    let fan = maker.house.fan(0).await.access_token;
    let seen = maker.house.http("GET", &format!("{path}/page"), Some(&fan), "").await;
    assert_eq!(seen.outcome(), (403, "FORBIDDEN".to_owned()));
    assert_eq!(maker.house.http("GET", &format!("{path}/page"), None, "").await.status, 401);
    let listed = maker.house.http("GET", "/api/v1/concerts", None, "").await.json();
    assert_eq!(listed["concerts"].as_array().unwrap().len(), 1);
    let announce = format!("{path}/announce");
    let announced = maker.ok("POST", &announce, json!({"revision": 5})).await;
    assert_eq!((&announced["seats"], &announced["state"]), (&json!(40), &json!("OPEN")));
    assert_eq!(announced["schedule_ids"].as_array().unwrap().len(), 2);

    let page = format!("/api/v1/concerts/{}", announced["concert_id"]);
    let page = in_time("the announced sale", async {
        loop {
            let reply = maker.house.http("GET", &page, None, "").await;
            if reply.status == 200 {
                break reply.json();
            }
            maker.house.clock.advance(Duration::from_millis(100));
        }
    })
    .await;
    preview["concert"]["concert_id"] = announced["concert_id"].clone();
    for (n, id) in announced["schedule_ids"].as_array().unwrap().iter().enumerate() {
        assert_eq!(preview["schedules"][n]["schedule_id"], json!(n + 1));
        preview["schedules"][n]["schedule_id"] = id.clone();
        preview["concert"]["schedules"][n]["schedule_id"] = id.clone();
    }
    assert_eq!(preview, page);

    // Once, and only once.
    let again = maker.ask("POST", &announce, &json!({"revision": 5})).await;
    assert_eq!(again.outcome(), (409, "CHANGED_MEANWHILE".to_owned()));
    assert_eq!(again.json()["was"]["concert_id"], announced["concert_id"]);
    let late = maker.ask("PATCH", &path, &json!({"revision": 6, "title": "Other"})).await;
    assert_eq!(late.outcome(), (409, "CHANGED_MEANWHILE".to_owned()), "it is a concert by now");

    // The same once more is told apart by its word alone.
    let (other, _) = maker
        .draft(json!({"title": "Opening night", "starts_at": ["2031-05-02T19:00"], "prices": prices}))
        .await;
    maker.ok("POST", &format!("{other}/plan?revision=1"), plan).await;
    let twice = maker.ask("POST", &format!("{other}/announce"), &json!({"revision": 2})).await;
    assert_eq!(twice.outcome(), (409, "ALREADY_ANNOUNCED".to_owned()));
    assert_eq!(twice.json()["concert_id"], announced["concert_id"]);
    maker.ok("POST", &format!("{other}/announce"), json!({"revision": 2, "again": true})).await;

    maker.house.stop().await;
    maker.house.start().await;
    let concerts = maker.house.http("GET", "/api/v1/concerts", None, "").await.json();
    let ours =
        concerts["concerts"].as_array().unwrap().iter().find(|c| c["concert_id"] == announced["concert_id"]);
    assert_eq!(ours.unwrap()["title"], "Opening night");
    let sales = maker.ok("GET", "/api/v1/admin/sales", Value::Null).await;
    let ours = sales["sales"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["concert_id"] == announced["concert_id"])
        .unwrap();
    assert_eq!(
        (&ours["settings"]["capacity"], &ours["restricted"], &ours["state"]),
        (&json!(7), &json!(2), &json!("OPEN"))
    );
    maker.house.audit().await;
}

/// The same from a shell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_makes_a_concert_as_the_console_does() {
    let maker = Maker::begin().await;
    let folder = tempfile::tempdir().unwrap();
    let (plan, image) = (folder.path().join("plan.json"), folder.path().join("image.png"));
    let hall = venue::generate(20, Shape::Hall).unwrap();
    std::fs::write(&plan, hall.to_string()).unwrap();
    std::fs::write(&image, picture(40, 30, ImageFormat::Png)).unwrap();
    let url = format!("http://{}", maker.house.address());
    let run = async |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow"));
        command.args(["concert", "--server", &url, "--token", &maker.token]).args(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        match output.status.success() {
            true => Ok(serde_json::from_slice::<Value>(&output.stdout).unwrap()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    };
    let draft = run(&["draft", "--title", "By hand", "--starts-at", "2031-05-01T19:00"]).await.unwrap();
    let id = draft["draft_id"].to_string();
    run(&["generate", &id, "--seats", "50", "--shape", "arena"]).await.unwrap();
    let draft = run(&["plan", &id, plan.to_str().unwrap()]).await.unwrap();
    assert_eq!(draft["plan"]["seats"], 20);
    let prices = venue::suggested_prices(&hall);
    let prices: Vec<_> = prices.iter().map(|(name, price)| format!("--price={name}={price}")).collect();
    let prices = prices.iter().map(String::as_str);
    let args: Vec<_> = ["set", &id, "--rule", "capacity=5", "--opens-at", "2031-01-01T10:00"]
        .into_iter()
        .chain(prices)
        .collect();
    run(&args).await.unwrap();
    let draft = run(&["image", &id, image.to_str().unwrap()]).await.unwrap();
    assert_eq!(draft["entered"]["about"]["image_id"].as_str().unwrap().len(), 32);
    let announced = run(&["announce", &id]).await.unwrap();
    assert_eq!(
        (&announced["state"], &announced["opens_at"]),
        (&json!("SCHEDULED"), &json!("2031-01-01T01:00:00.000Z"))
    );
    let refused = run(&["drop", &id]).await.unwrap_err();
    assert!(refused.contains("NOT_FOUND"), "{refused}");
    let listed = run(&["list"]).await.unwrap();
    assert_eq!(listed["drafts"][0]["concert_id"], announced["concert_id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_change_a_draft_the_second_is_told_what_it_is() {
    let maker = Maker::begin().await;
    let (path, _) = maker.draft(json!({"title": "One"})).await;
    let change = async |title: &str| maker.ask("PATCH", &path, &json!({"revision": 1, "title": title})).await;
    let (one, other) = tokio::join!(change("Two"), change("Three"));
    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((won.status, lost.outcome()), (200, (409, "CHANGED_MEANWHILE".to_owned())));
    assert_eq!(lost.json()["was"], won.json(), "the whole draft, as it is now");
    let unseen = maker.ask("PATCH", &path, &json!({"title": "Four"})).await;
    assert_eq!((unseen.status, &unseen.json()["field"]), (400, &json!("revision")));
    maker.ok("DELETE", &path, Value::Null).await;
    let gone = maker.ask("PATCH", &path, &json!({"revision": 2, "title": "Five"})).await;
    assert_eq!(gone.outcome(), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_of_a_draft_is_named_and_changes_nothing() {
    let maker = Maker::begin().await;
    for (body, field) in [
        (json!({"title": "a\u{202e}b"}), "title"),
        (json!({"title": "x".repeat(201)}), "title"),
        (json!({"currency": "won"}), "currency"),
        (json!({"prices": {"VIP": -1}}), "prices"),
        (json!({"rules": {"capacity": 0}}), "rules"),
        (json!({"rules": {"state": "OPEN"}}), "rules"),
        (json!({"starts_at": vec!["2031-05-01T19:00"; 367]}), "starts_at"),
        (json!({"about": {"map_url": "javascript:alert(1)"}}), "about.map_url"),
        (json!({"about": {"texts": {"address": "a\nb"}}}), "about.texts.address"),
        (json!({"revision": 1}), "revision"),
        (json!({"plan": {}}), "plan"),
    ] {
        let reply = maker.ask("POST", DRAFTS, &body).await;
        assert_eq!((reply.status, &reply.json()["field"]), (400, &json!(field)), "{body}");
    }
    assert_eq!(maker.ok("GET", DRAFTS, Value::Null).await, json!({"drafts": []}));
    let (path, _) = maker.draft(json!({})).await;
    // What is no plan at all is a fault of the whole file.
    let draft = maker.ok("POST", &format!("{path}/plan?revision=1"), json!([1])).await;
    assert_eq!(
        draft["plan"]["faults"],
        json!([{"path": "(file)", "problem": "must be an object, is a list"}])
    );
    assert_eq!(maker.ask("GET", &format!("{path}/layout"), &Value::Null).await.status, 404);
    let many = json!({"revision": 2, "shape": "hall", "seats": 200_001});
    let reply = maker.ask("POST", &format!("{path}/generate"), &many).await;
    assert_eq!((reply.status, &reply.json()["field"]), (400, &json!("seats")));
}

/// Goal: files that come in cost what they are allowed to, whoever sends them. Method: as many as there may be are announced and
/// not sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_files_are_taken_few_at_a_time_and_larger_ones_not_at_all() {
    let maker = Maker::begin().await;
    let (path, _) = maker.draft(json!({})).await;
    let announce = async |path: &str, bytes: usize| {
        let mut raw = Raw::connect(maker.house.address()).await;
        let token = &maker.token;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: {bytes}\r\n"
        );
        raw.send(format!("{head}expect: 100-continue\r\n\r\n")).await;
        let first = raw.head().await;
        (raw, first)
    };
    let plan = format!("{path}/plan?revision=1");
    for path in [plan.as_str(), IMAGES] {
        let (_raw, head) = announce(path, 100 * 1024 * 1024).await;
        assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    }
    let mut waiting = Vec::new();
    for _ in 0..LARGE_BODIES_AT_ONCE {
        let (raw, head) = announce(&plan, 20 * 1024 * 1024).await;
        assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
        waiting.push(raw);
    }
    let (_raw, head) = announce(IMAGES, 1_000).await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    drop(waiting);
    // Who hangs up gives the turn back.
    let png = picture(2, 2, ImageFormat::Png);
    in_time("a turn", async {
        while maker.upload(IMAGES, &png).await.0 != 201 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture =
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 9])));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_kept_in_three_sizes_and_what_is_none_is_refused() {
    let maker = Maker::begin().await;
    let png = picture(2_000, 1_000, ImageFormat::Png);
    let (status, made) = maker.upload(IMAGES, &png).await;
    assert_eq!(status, 201, "{made}");
    let sizes: Vec<_> =
        made["sizes"].as_array().unwrap().iter().map(|s| (s["width"].clone(), s["height"].clone())).collect();
    assert_eq!(sizes, [(json!(1_600), json!(800)), (json!(800), json!(400)), (json!(1_200), json!(630))]);
    assert_eq!(
        maker.upload(IMAGES, &png).await.1["image_id"],
        made["image_id"],
        "the same picture is the same"
    );
    let name = made["image_id"].as_str().unwrap();
    for width in [1_600, 800, 1_200] {
        let shown = maker.house.http("GET", &format!("/images/{name}-{width}.jpg"), None, "").await;
        assert_eq!((shown.status, shown.header("content-type")), (200, "image/jpeg"));
        assert!(shown.header("cache-control").contains("immutable"));
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        assert!(shown.header("content-security-policy").contains("default-src 'none'"));
        let seen = image::load_from_memory(&shown.bytes).unwrap();
        assert_eq!(seen.width(), width);
        let tag = shown.header("etag").to_owned();
        let path = format!("/images/{name}-{width}.jpg");
        let known = maker.house.http_with("GET", &path, &[("if-none-match", &tag)], "").await;
        assert_eq!((known.status, known.bytes.len()), (304, 0));
    }
    for path in [format!("/images/{name}-640.jpg"), format!("/images/{}-800.jpg", "0".repeat(32))] {
        assert_eq!(maker.house.http("GET", &path, None, "").await.status, 404, "{path}");
    }
    for (file, what) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..], "an SVG"),
        (b"GIF89a", "a GIF"),
        (b"", "empty"),
        (&png[..1_000], "broken"),
    ] {
        let (status, refused) = maker.upload(IMAGES, file).await;
        assert_eq!((status, &refused["field"]), (400, &json!("image")), "{what}");
        assert!(refused["detail"].as_str().unwrap().contains(what), "{refused}");
    }
}
