//! Short names of what the servers of one database have to have alike, by which they are compared.

use sha2::{Digest, Sha256};

use super::auth::Auth;
use crate::domain::rules::SaleRules;

/// Bytes of a print, as they are told: enough to compare servers by eye.
const PRINT_BYTES: usize = 6;

pub fn print_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(PRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Of the key that signs our tokens.
pub fn of_key(auth: &Auth) -> String {
    print_of(auth.sign("readiness:print").as_bytes())
}

/// Of the rules that sales have where their operators set no others.
pub fn of_rules(rules: &SaleRules) -> String {
    print_of(format!("{rules:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_rules_have_another_print() {
        let usual = SaleRules::default();
        assert_eq!(of_rules(&usual), of_rules(&usual.clone()));
        let other = SaleRules { capacity: usual.capacity + 1, ..usual.clone() };
        assert_ne!(of_rules(&other), of_rules(&usual));
        assert_eq!(of_rules(&usual).len(), 2 * PRINT_BYTES);
    }
}
