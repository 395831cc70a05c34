//! The settings and figures of a sale that operators see, and change while it runs.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::duration::HumanDuration;
use crate::limits::{
    CAPACITY_MAX, SALE_MESSAGE_CHARS_MAX, SEATS_PER_RESERVATION_MAX, SEATS_PER_USER_MAX, is_blank, is_control,
};
use crate::result::SaleState;
use crate::time::Timestamp;

/// The figures of every sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sales {
    pub sales: Vec<SaleFigures>,
}

/// One sale: its rules and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaleFigures {
    pub concert_id: u32,
    pub title: String,
    pub state: SaleState,
    pub opens_at: Option<Timestamp>,
    pub message: Option<String>,
    /// The rules in force.
    pub settings: SaleSettings,
    /// Those of them that the operator set; the rest are the run's defaults.
    pub settings_own: SaleSettingsOwn,
    /// Fans in line.
    pub waiting: u64,
    /// Fans admitted.
    pub progress: u64,
    /// Queue tokens that ended by buying since the server began to run the sale.
    pub done: u64,
    /// Queue tokens that ended otherwise since then.
    pub expired: u64,
    /// Seats of all performances; the next four are how many of them are in which state.
    pub seats: u64,
    pub available: u64,
    pub held: u64,
    pub sold: u64,
    /// Kept by the house.
    #[serde(default)]
    pub restricted: u64,
    /// Admissions of the last minute.
    pub admissions_per_minute: u32,
    /// Did the sale answer in time? If not, nothing is decided in it, and the figures are those of its last change.
    #[serde(default = "yes")]
    pub answers: bool,
}

fn yes() -> bool {
    true
}

/// The rules of a sale that are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaleSettings {
    /// Fans admitted at once.
    pub capacity: u32,
    /// The time that unpaid seats are held.
    pub hold_ttl: HumanDuration,
    /// The length of an admission.
    pub admission_ttl: HumanDuration,
    /// The time that an admitted fan may do nothing.
    pub idle_ttl: HumanDuration,
    /// The time that a waiting fan may be without a connection.
    pub away_ttl: HumanDuration,
    /// Seats that one reservation may have.
    pub seats_per_reservation_max: u32,
    /// Seats of the sale that one user may have, held and bought together; 0: any number.
    #[serde(default)]
    pub seats_per_user_max: u32,
    /// The time before the start until which a paid reservation may be cancelled.
    #[serde(alias = "cancel_until")]
    pub cancel_before_start: HumanDuration,
    /// The time in which a seat whose hold ran out unpaid is not held again by the same user; longer when it happens
    /// again.
    pub hold_again_after: HumanDuration,
}

/// The rules of a sale that its operator set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaleSettingsOwn {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ttl: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission_ttl: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ttl: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away_ttl: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats_per_reservation_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats_per_user_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "cancel_until")]
    pub cancel_before_start: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_again_after: Option<HumanDuration>,
}

/// Changes to a sale. An absent field stays as it is; `null` takes back what the operator had set, so that the run's
/// default (no message, no planned opening) is in force again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SalePatch {
    /// The sale's new state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SaleState>,
    /// The time at which admission begins.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub opens_at: Change<Timestamp>,
    /// A message to the fans.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "message")]
    #[schemars(length(min = 1, max = SALE_MESSAGE_CHARS_MAX))]
    pub message: Change<String>,
    /// Fans admitted at once. Lowering it evicts nobody.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "capacity")]
    #[schemars(range(min = 1, max = CAPACITY_MAX))]
    pub capacity: Change<u32>,
    /// The time that unpaid seats are held. Like every time here, more than zero, and for what begins from now on.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "positive")]
    pub hold_ttl: Change<HumanDuration>,
    /// The length of an admission.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "positive")]
    pub admission_ttl: Change<HumanDuration>,
    /// The time that an admitted fan may do nothing.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "positive")]
    pub idle_ttl: Change<HumanDuration>,
    /// The time that a waiting fan may be without a connection.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "positive")]
    pub away_ttl: Change<HumanDuration>,
    /// Seats that one reservation may have.
    #[serde(
        default,
        skip_serializing_if = "Change::is_keep",
        deserialize_with = "seats_per_reservation_max"
    )]
    #[schemars(range(min = 1, max = SEATS_PER_RESERVATION_MAX))]
    pub seats_per_reservation_max: Change<u32>,
    /// Seats of the sale that one user may have, held and bought together, in all of its performances; cancelled ones
    /// count no longer. 0: any number. Lowering it takes nothing away.
    #[serde(default, skip_serializing_if = "Change::is_keep", deserialize_with = "seats_per_user_max")]
    #[schemars(range(max = SEATS_PER_USER_MAX))]
    pub seats_per_user_max: Change<u32>,
    /// The time before the start until which a paid reservation may be cancelled; zero is until the start. Its former
    /// name, `cancel_until`, is still read.
    #[serde(default, skip_serializing_if = "Change::is_keep", alias = "cancel_until")]
    pub cancel_before_start: Change<HumanDuration>,
    /// The time in which a seat whose hold ran out unpaid is not held again by the same user, at first; each further
    /// time within an hour doubles it. Zero: not at all. Holds for all at once.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub hold_again_after: Change<HumanDuration>,
    /// What was seen of these fields before. If it is not so any more, nothing is changed, and `CHANGED_MEANWHILE` says what
    /// is; of a rule it is the operator's own value, `null` the run's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Box<SalePatch>>,
}

/// The change of one setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The field is absent.
    #[default]
    Keep,
    /// The field is `null`.
    Unset,
    Set(T),
}

impl<T> Change<T> {
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Applies the change to what an operator had set before.
    pub fn apply(self, own: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Unset => *own = None,
            Self::Set(value) => *own = Some(value),
        }
    }

    fn checked<E>(self, check: impl FnOnce(&T) -> Result<(), E>) -> Result<Self, E> {
        if let Self::Set(value) = &self {
            check(value)?;
        }
        Ok(self)
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // An absent field is the struct's business; alone, `Keep` has no other form than `null`.
            Self::Keep | Self::Unset => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Unset, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("ChangeOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let set = generator.subschema_for::<T>();
        match set.get("type").and_then(|kind| kind.as_str()) {
            // Spelled out in one schema, so that bounds added by the field lie beside the type.
            Some(kind) => json_schema!({"type": [kind, "null"]}),
            None => json_schema!({"anyOf": [set, {"type": "null"}]}),
        }
    }
}

fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<String>, D::Error> {
    Change::<String>::deserialize(deserializer)?.checked(|text| {
        if text.chars().any(is_control) {
            return Err(de::Error::custom("must have no control characters"));
        }
        if is_blank(text) || text.chars().count() > SALE_MESSAGE_CHARS_MAX {
            return Err(de::Error::custom(format_args!(
                "must have 1 to {SALE_MESSAGE_CHARS_MAX} characters, not only spaces or what cannot be seen"
            )));
        }
        Ok(())
    })
}

fn bounded<'de, D: Deserializer<'de>>(deserializer: D, max: u32) -> Result<Change<u32>, D::Error> {
    Change::deserialize(deserializer)?
        .checked(|number| crate::request::bounded::<D::Error>(*number, max).map(|_| ()))
}

fn capacity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<u32>, D::Error> {
    bounded(deserializer, CAPACITY_MAX)
}

fn seats_per_reservation_max<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<u32>, D::Error> {
    bounded(deserializer, SEATS_PER_RESERVATION_MAX)
}

fn seats_per_user_max<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<u32>, D::Error> {
    Change::<u32>::deserialize(deserializer)?.checked(|max| {
        if *max > SEATS_PER_USER_MAX {
            return Err(de::Error::custom(format_args!(
                "must be at most {SEATS_PER_USER_MAX}; 0 is no limit"
            )));
        }
        Ok(())
    })
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<HumanDuration>, D::Error> {
    Change::<HumanDuration>::deserialize(deserializer)?.checked(|duration| {
        if duration.is_zero() {
            return Err(de::Error::custom("must be more than zero"));
        }
        Ok(())
    })
}
