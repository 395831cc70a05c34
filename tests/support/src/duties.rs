//! What every backend that servers share must do with duties, written once. Each test gets a store of its own, freshly made.

use std::time::Duration;

use frontrow::domain::time::Timestamp;
use frontrow::store::{Duties, WriterId, random_id};
use futures_util::future::join_all;

/// Makes a test of every function here for one backend. `$open` gives `(store, whatever must outlive it)`.
#[macro_export]
macro_rules! duties_tests {
    ($open:expr; $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (store, _keep) = $open.await;
            $crate::duties::$name(&store).await;
        }
    )*};
    ($open:expr) => {
        $crate::duties_tests!($open;
            a_duty_is_ones_until_it_is_over_or_left
            of_many_who_take_a_duty_at_once_one_has_it
        );
    };
}

const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);
const LASTS: Duration = Duration::from_secs(30);

pub async fn a_duty_is_ones_until_it_is_over_or_left(store: &dyn Duties) {
    let (one, other) = (WriterId(random_id()), WriterId(random_id()));
    let take = async |name: &str, who, seconds| {
        store.take_duty(name, who, NOW + Duration::from_secs(seconds), LASTS).await.unwrap()
    };
    assert!(take("pictures", one, 0).await);
    assert!(!take("pictures", other, 29).await);
    // Another duty is another thing.
    assert!(take("figures", other, 29).await);
    // Taken again before its end, it goes on, also at the same moment.
    assert!(take("pictures", one, 29).await && take("pictures", one, 29).await);
    assert!(!take("pictures", other, 58).await);
    assert!(take("pictures", other, 59).await);
    assert!(!take("pictures", one, 60).await);
    // Only who has it leaves it.
    store.leave_duty("pictures", one).await.unwrap();
    assert!(!take("pictures", one, 61).await);
    store.leave_duty("pictures", other).await.unwrap();
    assert!(take("pictures", one, 61).await);
}

pub async fn of_many_who_take_a_duty_at_once_one_has_it(store: &dyn Duties) {
    for round in 0..5 {
        let now = NOW + 2 * round * LASTS;
        let all = (0..8).map(|_| store.take_duty("refunds:7", WriterId(random_id()), now, LASTS));
        let taken = join_all(all).await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count();
        assert_eq!(taken, 1, "round {round}");
    }
}
