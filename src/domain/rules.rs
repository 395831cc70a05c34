//! The numbers of a sale's rules: the run's defaults, and what an operator set for one sale.

use std::time::Duration;

use super::record::SaleState;
use super::time::Timestamp;

/// The rules in force for a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleRules {
    /// How many tokens may be admitted at a time.
    pub capacity: u32,
    /// How long a reservation is held unpaid; starts with its first seat.
    pub hold_ttl: Duration,
    /// How long an admission lasts.
    pub admission_ttl: Duration,
    /// How long an admitted user may be silent.
    pub idle_ttl: Duration,
    /// How long a waiting user may be without a connection.
    pub away_ttl: Duration,
    pub seats_per_reservation_max: u32,
    /// A paid reservation may be cancelled until so long before the start.
    pub cancel_before_start: Duration,
    /// A seat whose hold ran out unpaid is not held again by the same user for so long; longer when it happens again.
    /// Zero: at once.
    pub hold_again_after: Duration,
    /// The same for every sale: it is about addresses, which no sale knows better.
    pub guest_seats: GuestSeats,
}

/// How many unpaid seats of one performance the guests of one address may hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestSeats {
    /// At least so many, however small the house.
    pub at_least: u32,
    /// And of a large house so much of a hundred.
    pub percent: u32,
}

impl GuestSeats {
    pub fn max(self, house: u64) -> u64 {
        u64::from(self.at_least).max(house.saturating_mul(self.percent.into()) / 100)
    }
}

impl Default for SaleRules {
    fn default() -> Self {
        Self {
            capacity: 100,
            hold_ttl: Duration::from_secs(5 * 60),
            admission_ttl: Duration::from_secs(10 * 60),
            idle_ttl: Duration::from_secs(5 * 60),
            away_ttl: Duration::from_secs(5 * 60),
            seats_per_reservation_max: 4,
            cancel_before_start: Duration::from_secs(24 * 60 * 60),
            hold_again_after: Duration::from_secs(60),
            guest_seats: GuestSeats { at_least: 40, percent: 2 },
        }
    }
}

/// What an operator set for one sale; the rest is the run's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRules {
    pub capacity: Option<u32>,
    pub hold_ttl: Option<Duration>,
    pub admission_ttl: Option<Duration>,
    pub idle_ttl: Option<Duration>,
    pub away_ttl: Option<Duration>,
    pub seats_per_reservation_max: Option<u32>,
    pub cancel_before_start: Option<Duration>,
    pub hold_again_after: Option<Duration>,
}

impl OwnRules {
    /// The rules in force when `defaults` are the run's.
    pub fn over(&self, defaults: &SaleRules) -> SaleRules {
        SaleRules {
            capacity: self.capacity.unwrap_or(defaults.capacity),
            hold_ttl: self.hold_ttl.unwrap_or(defaults.hold_ttl),
            admission_ttl: self.admission_ttl.unwrap_or(defaults.admission_ttl),
            idle_ttl: self.idle_ttl.unwrap_or(defaults.idle_ttl),
            away_ttl: self.away_ttl.unwrap_or(defaults.away_ttl),
            seats_per_reservation_max: self
                .seats_per_reservation_max
                .unwrap_or(defaults.seats_per_reservation_max),
            cancel_before_start: self.cancel_before_start.unwrap_or(defaults.cancel_before_start),
            hold_again_after: self.hold_again_after.unwrap_or(defaults.hold_again_after),
            guest_seats: defaults.guest_seats,
        }
    }
}

/// Everything about a sale that its operator decides, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleSettings {
    pub state: SaleState,
    /// UTC: when a scheduled sale opens by itself.
    pub opens_at: Option<Timestamp>,
    /// Shown to every fan.
    pub message: Option<Box<str>>,
    pub own: OwnRules,
}

/// A change of a sale's settings; `None` leaves a setting as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalePatch {
    pub state: Option<SaleState>,
    pub opens_at: Option<Option<Timestamp>>,
    pub message: Option<Option<Box<str>>>,
    pub own: OwnRulesPatch,
}

/// A change of a sale's own rules. `None` leaves a rule as it is, `Some(None)` puts the run's default back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRulesPatch {
    pub capacity: Option<Option<u32>>,
    pub hold_ttl: Option<Option<Duration>>,
    pub admission_ttl: Option<Option<Duration>>,
    pub idle_ttl: Option<Option<Duration>>,
    pub away_ttl: Option<Option<Duration>>,
    pub seats_per_reservation_max: Option<Option<u32>>,
    pub cancel_before_start: Option<Option<Duration>>,
    pub hold_again_after: Option<Option<Duration>>,
}

impl SaleSettings {
    pub fn patched(&self, patch: &SalePatch) -> Self {
        let (old, new) = (&self.own, &patch.own);
        Self {
            state: patch.state.unwrap_or(self.state),
            opens_at: patch.opens_at.unwrap_or(self.opens_at),
            message: patch.message.clone().unwrap_or_else(|| self.message.clone()),
            own: OwnRules {
                capacity: new.capacity.unwrap_or(old.capacity),
                hold_ttl: new.hold_ttl.unwrap_or(old.hold_ttl),
                admission_ttl: new.admission_ttl.unwrap_or(old.admission_ttl),
                idle_ttl: new.idle_ttl.unwrap_or(old.idle_ttl),
                away_ttl: new.away_ttl.unwrap_or(old.away_ttl),
                seats_per_reservation_max: new
                    .seats_per_reservation_max
                    .unwrap_or(old.seats_per_reservation_max),
                cancel_before_start: new.cancel_before_start.unwrap_or(old.cancel_before_start),
                hold_again_after: new.hold_again_after.unwrap_or(old.hold_again_after),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_sets_keeps_and_puts_the_default_back() {
        let own =
            OwnRules { capacity: Some(5), hold_ttl: Some(Duration::from_secs(2)), ..OwnRules::default() };
        let settings = SaleSettings { state: SaleState::Open, opens_at: None, message: None, own };
        let patch = SalePatch {
            own: OwnRulesPatch {
                capacity: Some(None),
                idle_ttl: Some(Some(Duration::ZERO)),
                ..Default::default()
            },
            ..SalePatch::default()
        };
        let rules = settings.patched(&patch).own.over(&SaleRules::default());
        assert_eq!(rules.capacity, SaleRules::default().capacity);
        assert_eq!(rules.hold_ttl, Duration::from_secs(2));
        assert_eq!(rules.idle_ttl, Duration::ZERO);
    }
}
