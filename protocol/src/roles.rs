//! The roles that operators have. They are no ladder: the table of calls (`call.rs`) says of each call who may make it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an operator is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, operators included.
    Owner,
    /// Sales, plans, money back.
    Manager,
    /// Orders and tickets.
    BoxOffice,
    /// Looks on.
    Viewer,
    /// Lets people in at the door.
    Door,
}

impl Role {
    pub const ALL: &'static [Self] = &[Self::Owner, Self::Manager, Self::BoxOffice, Self::Viewer, Self::Door];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::BoxOffice => "box_office",
            Self::Viewer => "viewer",
            Self::Door => "door",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which roles may make a call; `Everyone` has any.
macro_rules! roles {
    () => {
        None
    };
    (Everyone) => {
        Some($crate::roles::RoleSet::ALL)
    };
    ($($role:ident)+) => {
        Some($crate::roles::RoleSet::of(&[$($crate::roles::Role::$role),+]))
    };
}
pub(crate) use roles;

/// Some of the roles: those that somebody has, or those that may do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoleSet(u8);

impl RoleSet {
    /// Nobody's.
    pub const NONE: Self = Self(0);
    /// Every operator's.
    pub const ALL: Self = Self::of(Role::ALL);

    pub const fn of(roles: &[Role]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < roles.len() {
            bits |= 1 << roles[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn contains(self, role: Role) -> bool {
        self.0 & 1 << role as u8 != 0
    }

    /// Is one of these among those?
    pub const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u8)
    }

    /// In the order of `Role::ALL`.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for RoleSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for RoleSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Role>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl JsonSchema for RoleSet {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RoleSet".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Role>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_is_written_as_a_list() {
        let two = RoleSet::of(&[Role::Viewer, Role::Manager]);
        assert!(two.contains(Role::Manager) && two.contains(Role::Viewer) && !two.contains(Role::Owner));
        assert!(two.meets(RoleSet::of(&[Role::Viewer, Role::Door])));
        assert!(!two.meets(RoleSet::of(&[Role::Owner, Role::Door])) && !two.meets(RoleSet::NONE));
        assert!(RoleSet::NONE.is_empty() && !two.is_empty());
        let text = serde_json::to_string(&two).unwrap();
        assert_eq!(text, r#"["manager","viewer"]"#);
        assert_eq!(serde_json::from_str::<RoleSet>(&text).unwrap(), two);
        assert_eq!(RoleSet::ALL.iter().collect::<Vec<_>>(), Role::ALL);
    }

    #[test]
    fn a_role_is_known_by_its_name_on_the_wire() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::from_name(role.as_str()), Some(*role));
        }
        assert_eq!(Role::from_name("operator"), None);
    }
}
