//! The words that states are stored as, the same in every backend, and back. A word that is not ours is a row that
//! somebody else wrote.

use super::SeatStatus;
use crate::domain::record::{
    ExpiryReason, LedgerKind, PaymentSource, PaymentStatus, ReservationStatus, SaleState, ScheduleState,
    TokenStatus,
};

pub fn sale_state(state: SaleState) -> &'static str {
    match state {
        SaleState::Scheduled => "SCHEDULED",
        SaleState::Open => "OPEN",
        SaleState::Paused => "PAUSED",
        SaleState::Closed => "CLOSED",
    }
}

pub fn sale_state_of(word: &str) -> Option<SaleState> {
    Some(match word {
        "SCHEDULED" => SaleState::Scheduled,
        "OPEN" => SaleState::Open,
        "PAUSED" => SaleState::Paused,
        "CLOSED" => SaleState::Closed,
        _ => return None,
    })
}

pub fn schedule_state(state: ScheduleState) -> &'static str {
    match state {
        ScheduleState::Planned => "PLANNED",
        ScheduleState::CalledOff => "CALLED_OFF",
    }
}

pub fn schedule_state_of(word: &str) -> Option<ScheduleState> {
    Some(match word {
        "PLANNED" => ScheduleState::Planned,
        "CALLED_OFF" => ScheduleState::CalledOff,
        _ => return None,
    })
}

/// The status, and the reason beside it when it has one.
pub fn token_status(status: TokenStatus) -> (&'static str, Option<&'static str>) {
    match status {
        TokenStatus::Waiting => ("WAITING", None),
        TokenStatus::Progress => ("PROGRESS", None),
        TokenStatus::Done => ("DONE", None),
        TokenStatus::Expired(reason) => ("EXPIRED", Some(expiry_reason(reason))),
    }
}

pub fn token_status_of(word: &str, reason: Option<&str>) -> Option<TokenStatus> {
    Some(match (word, reason) {
        ("WAITING", None) => TokenStatus::Waiting,
        ("PROGRESS", None) => TokenStatus::Progress,
        ("DONE", None) => TokenStatus::Done,
        ("EXPIRED", Some(reason)) => TokenStatus::Expired(expiry_reason_of(reason)?),
        _ => return None,
    })
}

pub fn expiry_reason(reason: ExpiryReason) -> &'static str {
    match reason {
        ExpiryReason::Left => "left",
        ExpiryReason::Away => "away",
        ExpiryReason::Idle => "idle",
        ExpiryReason::Time => "time",
        ExpiryReason::Closed => "closed",
    }
}

fn expiry_reason_of(word: &str) -> Option<ExpiryReason> {
    Some(match word {
        "left" => ExpiryReason::Left,
        "away" => ExpiryReason::Away,
        "idle" => ExpiryReason::Idle,
        "time" => ExpiryReason::Time,
        "closed" => ExpiryReason::Closed,
        _ => return None,
    })
}

pub fn seat_status(status: SeatStatus) -> &'static str {
    match status {
        SeatStatus::Available => "AVAILABLE",
        SeatStatus::TempReserved => "TEMP_RESERVED",
        SeatStatus::Reserved => "RESERVED",
    }
}

pub fn seat_status_of(word: &str) -> Option<SeatStatus> {
    Some(match word {
        "AVAILABLE" => SeatStatus::Available,
        "TEMP_RESERVED" => SeatStatus::TempReserved,
        "RESERVED" => SeatStatus::Reserved,
        _ => return None,
    })
}

pub fn reservation_status(status: ReservationStatus) -> &'static str {
    match status {
        ReservationStatus::TempReserved => "TEMP_RESERVED",
        ReservationStatus::Reserved => "RESERVED",
        ReservationStatus::Expired => "EXPIRED",
        ReservationStatus::Cancelled => "CANCELLED",
    }
}

pub fn reservation_status_of(word: &str) -> Option<ReservationStatus> {
    Some(match word {
        "TEMP_RESERVED" => ReservationStatus::TempReserved,
        "RESERVED" => ReservationStatus::Reserved,
        "EXPIRED" => ReservationStatus::Expired,
        "CANCELLED" => ReservationStatus::Cancelled,
        _ => return None,
    })
}

pub fn payment_status(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Done => "DONE",
        PaymentStatus::Cancelled => "CANCELLED",
    }
}

pub fn payment_status_of(word: &str) -> Option<PaymentStatus> {
    Some(match word {
        "DONE" => PaymentStatus::Done,
        "CANCELLED" => PaymentStatus::Cancelled,
        _ => return None,
    })
}

pub fn payment_source(source: PaymentSource) -> &'static str {
    match source {
        PaymentSource::Wallet => "wallet",
        PaymentSource::Cash => "cash",
        PaymentSource::Card => "card",
        PaymentSource::Gift => "gift",
    }
}

pub fn payment_source_of(word: &str) -> Option<PaymentSource> {
    Some(match word {
        "wallet" => PaymentSource::Wallet,
        "cash" => PaymentSource::Cash,
        "card" => PaymentSource::Card,
        "gift" => PaymentSource::Gift,
        _ => return None,
    })
}

pub fn ledger_kind(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::Charge => "CHARGE",
        LedgerKind::Payment => "PAYMENT",
        LedgerKind::Refund => "REFUND",
    }
}

pub fn ledger_kind_of(word: &str) -> Option<LedgerKind> {
    Some(match word {
        "CHARGE" => LedgerKind::Charge,
        "PAYMENT" => LedgerKind::Payment,
        "REFUND" => LedgerKind::Refund,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_as_what_it_was_written_for() {
        use SaleState::{Closed, Open, Paused, Scheduled};
        for state in [Scheduled, Open, Paused, Closed] {
            assert_eq!(sale_state_of(sale_state(state)), Some(state));
        }
        for state in [ScheduleState::Planned, ScheduleState::CalledOff] {
            assert_eq!(schedule_state_of(schedule_state(state)), Some(state));
        }
        use ExpiryReason as Why;
        let ended = [Why::Left, Why::Away, Why::Idle, Why::Time, Why::Closed].map(TokenStatus::Expired);
        for status in
            [TokenStatus::Waiting, TokenStatus::Progress, TokenStatus::Done].into_iter().chain(ended)
        {
            let (word, reason) = token_status(status);
            assert_eq!(token_status_of(word, reason), Some(status));
        }
        for status in [SeatStatus::Available, SeatStatus::TempReserved, SeatStatus::Reserved] {
            assert_eq!(seat_status_of(seat_status(status)), Some(status));
        }
        use ReservationStatus as R;
        for status in [R::TempReserved, R::Reserved, R::Expired, R::Cancelled] {
            assert_eq!(reservation_status_of(reservation_status(status)), Some(status));
        }
        for status in [PaymentStatus::Done, PaymentStatus::Cancelled] {
            assert_eq!(payment_status_of(payment_status(status)), Some(status));
        }
        use PaymentSource as Source;
        for source in [Source::Wallet, Source::Cash, Source::Card, Source::Gift] {
            assert_eq!(payment_source_of(payment_source(source)), Some(source));
        }
        for kind in [LedgerKind::Charge, LedgerKind::Payment, LedgerKind::Refund] {
            assert_eq!(ledger_kind_of(ledger_kind(kind)), Some(kind));
        }
    }

    #[test]
    fn a_reason_without_an_end_and_an_end_without_a_reason_are_not_ours() {
        assert_eq!(token_status_of("WAITING", Some("left")), None);
        assert_eq!(token_status_of("EXPIRED", None), None);
        assert_eq!(token_status_of("waiting", None), None);
    }
}
