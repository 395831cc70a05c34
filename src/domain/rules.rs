//! The numbers of a sale's rules: the run's defaults, and what an operator set for one sale.

use std::time::Duration;

use super::record::SaleState;
use super::time::Timestamp;

/// Every rule that an operator may set for one sale: what it is, of which type, and the run's default where the settings say
/// nothing. All that treats rules alike is made from this list.
macro_rules! rules {
    ($($(#[$about:meta])* $name:ident: $kind:ty = $default:expr;)+) => {
        /// The rules in force for a sale.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct SaleRules {
            $($(#[$about])* pub $name: $kind,)+
            /// The same for every sale: it is about addresses, which no sale knows better.
            pub guest_seats: GuestSeats,
        }

        impl Default for SaleRules {
            fn default() -> Self {
                Self { $($name: $default,)+ guest_seats: GuestSeats { at_least: 40, percent: 2 } }
            }
        }

        /// The rules that an operator set for one sale; the rest is the run's default.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct OwnRules {
            $(pub $name: Option<$kind>,)+
        }

        /// A change of a sale's own rules. `None` leaves a rule as it is, `Some(None)` puts the run's default back.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct OwnRulesPatch {
            $(pub $name: Option<Option<$kind>>,)+
        }

        impl OwnRules {
            /// The rules in force when `defaults` are the run's.
            pub fn over(&self, defaults: &SaleRules) -> SaleRules {
                SaleRules {
                    $($name: self.$name.unwrap_or(defaults.$name),)+
                    guest_seats: defaults.guest_seats,
                }
            }

            /// Every rule by its name, to be read or set by those who treat all alike.
            pub fn each(&mut self) -> impl Iterator<Item = (&'static str, OwnRule<'_>)> {
                [$((stringify!($name), OwnRule::from(&mut self.$name)),)+].into_iter()
            }

            pub fn patched(&self, patch: &OwnRulesPatch) -> Self {
                Self { $($name: patch.$name.unwrap_or(self.$name),)+ }
            }
        }
    };
}

rules! {
    /// The number of tokens that may be admitted at a time.
    capacity: u32 = 100;
    /// The time for which a reservation is held unpaid; starts with its first seat.
    hold_ttl: Duration = Duration::from_secs(5 * 60);
    /// The length of an admission.
    admission_ttl: Duration = Duration::from_secs(10 * 60);
    /// The time for which an admitted user may be silent.
    idle_ttl: Duration = Duration::from_secs(5 * 60);
    /// The time for which a waiting user may be without a connection.
    away_ttl: Duration = Duration::from_secs(5 * 60);
    /// The number of seats that a reservation may have.
    seats_per_reservation_max: u32 = 4;
    /// The number of seats that a user may have of the sale, held and bought together, in all of its performances. 0:
    /// any number.
    seats_per_user_max: u32 = 0;
    /// A paid reservation may be cancelled until so long before the start.
    cancel_before_start: Duration = Duration::from_secs(24 * 60 * 60);
    /// A seat whose hold ran out unpaid is not held again by the same user for so long; longer when it happens again.
    /// Zero: at once.
    hold_again_after: Duration = Duration::from_secs(60);
}

/// One rule of a sale as its operator set it, whichever it is.
pub enum OwnRule<'r> {
    Count(&'r mut Option<u32>),
    Time(&'r mut Option<Duration>),
}

impl<'r> From<&'r mut Option<u32>> for OwnRule<'r> {
    fn from(rule: &'r mut Option<u32>) -> Self {
        Self::Count(rule)
    }
}

impl<'r> From<&'r mut Option<Duration>> for OwnRule<'r> {
    fn from(rule: &'r mut Option<Duration>) -> Self {
        Self::Time(rule)
    }
}

/// A bound on the unpaid seats of one performance that the guests of one address hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestSeats {
    /// The number that is allowed however small the house.
    pub at_least: u32,
    /// The part of a large house, in hundredths.
    pub percent: u32,
}

impl GuestSeats {
    pub fn max(self, house: u64) -> u64 {
        u64::from(self.at_least).max(house.saturating_mul(self.percent.into()) / 100)
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

impl SaleSettings {
    pub fn patched(&self, patch: &SalePatch) -> Self {
        Self {
            state: patch.state.unwrap_or(self.state),
            opens_at: patch.opens_at.unwrap_or(self.opens_at),
            message: patch.message.clone().unwrap_or_else(|| self.message.clone()),
            own: self.own.patched(&patch.own),
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
