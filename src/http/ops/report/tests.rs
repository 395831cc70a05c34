use std::collections::BTreeMap;

use frontrow_protocol::Timestamp as WireTime;

use super::*;
use crate::domain::ids::ScheduleId;
use crate::domain::record::{SaleState, ScheduleState};
use crate::domain::rules::{OwnRules, SaleRules, SaleSettings};
use crate::fanout::{ScheduleStanding, SeatCounts, Standing, Tallied};
use crate::store::{ConcertRecord, ScheduleRecord};

const NINE: i64 = 1_785_574_800_000;

fn kept(points: &[(i64, KeptPoint)]) -> KeptFigures {
    let time = |seconds: i64| WireTime::from_millis(NINE + seconds * 1_000);
    KeptFigures {
        concert_id: 1,
        from: time(0),
        to: time(3_600),
        span_s: 10,
        at: points.iter().map(|(seconds, _)| time(*seconds)).collect(),
        points: points.iter().map(|(_, point)| point.clone()).collect(),
    }
}

fn standing() -> Standing {
    Standing {
        concert: ConcertRecord {
            id: ConcertId(1),
            title: "<b>한여름 밤</b>".into(),
            about: None,
            rehearsal_of: None,
            venue: "Hall".into(),
            currency: "KRW".into(),
            time_zone: Some("Asia/Seoul".into()),
        },
        settings: SaleSettings {
            state: SaleState::Open,
            opens_at: None,
            message: None,
            own: OwnRules::default(),
        },
        rules: SaleRules::default(),
        waiting: 0,
        progress: 0,
        admissions_last_minute: 0,
        schedules: vec![ScheduleStanding {
            schedule: ScheduleRecord {
                id: ScheduleId(1),
                starts_at: Timestamp::from_millis(NINE),
                state: ScheduleState::Planned,
            },
            counts: SeatCounts { available: 0, held: 0, sold: 20, restricted: 3 },
            left: Vec::new(),
            watchers: 0,
        }],
        tallied: Tallied::default(),
    }
}

fn night() -> KeptFigures {
    let point = |waiting, sold, available, refused| KeptPoint {
        waiting,
        sold,
        available,
        refused,
        refusals: BTreeMap::from([("SEAT_TAKEN".to_owned(), refused)]),
        money: 50_000 * sold as i64,
        joins: 100,
        seats_sold: 2,
        answers_p99_ms: waiting as f64,
        ..KeptPoint::default()
    };
    kept(&[(10, point(40, 2, 18, 1)), (20, point(90, 10, 10, 4)), (600, point(0, 20, 0, 0))])
}

#[test]
fn what_was_kept_is_told_in_the_words_and_times_of_its_reader() {
    let standing = standing();
    for (words, told) in [
        (&words::EN, ["Sold out at", "1,000,000 KRW", "Longest line", "Why requests were refused"]),
        (&words::KO, ["매진 시각", "1,000,000 KRW", "최대 대기 인원", "요청이 거절된 이유"]),
    ] {
        let page = page(&standing, &night(), words);
        for part in told.into_iter().chain([
            "&lt;b&gt;한여름 밤&lt;/b&gt;",
            "2026-08-01 18:00 – 2026-08-01 19:00 (Asia/Seoul)",
            // Sold out ten minutes after the first moment, by the venue's clocks.
            "<strong>18:10</strong>",
            "<strong>300</strong>",
            "<strong>90 ms</strong>",
            "<td>5</td>",
        ]) {
            assert!(page.contains(part), "no `{part}` in {page}");
        }
        // Six of seven: no commit was measured.
        assert_eq!(page.matches("<figure>").count(), 6);
        assert!(!page.contains("<b>") && !page.contains("<script"));
    }
}

#[test]
fn a_time_of_which_nothing_was_kept_is_a_gap_or_a_sentence() {
    let standing = standing();
    let (kept_of_night, none) = (night(), kept(&[]));
    let night = Night { standing: &standing, kept: &kept_of_night, words: &words::EN, zone: None };
    let at: Vec<_> =
        night.moments().iter().map(|(at, point)| (*at as i64 - NINE / 1_000, point.is_some())).collect();
    assert_eq!(at, [(10, true), (20, true), (30, false), (600, true)]);
    let page = page(&standing, &none, &words::EN);
    assert!(page.contains("Nothing was kept of this time.") && !page.contains("<figure>"));
    assert!(page.contains("Performances as they are now"));
}
