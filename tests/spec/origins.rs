//! Pages of others are refused, and whoever set up a proxy sees what was compared.

use crate::harness::{House, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_page_sees_what_was_compared_at_both_doors() {
    let house = House::open(Plan::default()).await;
    // The host as a proxy writes it that names its upstream.
    let page = ("origin", "https://tickets.example");
    let upgrade = [
        page,
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    for (path, headers) in [("/api/v1/concerts", &[page][..]), ("/ws", &upgrade)] {
        let refused = house.http_with("GET", path, headers, "").await;
        assert_eq!(refused.outcome(), (403, "FORBIDDEN".into()), "{path}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        for named in ["https://tickets.example", &house.address().to_string(), "allowed_origins", "`Host`"] {
            assert!(detail.contains(named), "{path}: {detail}");
        }
    }
}
