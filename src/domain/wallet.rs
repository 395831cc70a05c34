//! The wallets that a batch names: read under lock before it is decided, changed here, written in its commit.
//! Always: a balance is at least 0, at most `MONEY_MAX`, and the sum of its ledger. Not here: sales.

use std::collections::HashMap;

use super::ids::{HistoryId, IdSource, PaymentId, UserId};
use super::record::{LedgerEntry, LedgerKind};
use super::rejection::Rejection;
use super::seat_plan::{MONEY_MAX, Money};
use super::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub struct Wallets {
    wallets: HashMap<UserId, Wallet>,
    /// Charges made before, by what makes them exactly-once.
    charges: HashMap<(UserId, Box<str>), LedgerEntry>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wallet {
    balance: Money,
    /// Ledger entries made here.
    added: u32,
}

impl Wallets {
    /// `balances` holds every wallet that the batch names and that exists; `charges` every charge made before
    /// under a (user, request id) that the batch names.
    pub fn new(balances: impl IntoIterator<Item = (UserId, Money)>, charges: Vec<LedgerEntry>) -> Self {
        let charges = charges
            .into_iter()
            .filter_map(|entry| Some(((entry.user, entry.request_id.clone()?), entry)))
            .collect();
        let wallet = |(user, balance)| (user, Wallet { balance, added: 0 });
        Self { wallets: balances.into_iter().map(wallet).collect(), charges }
    }

    pub fn balance(&self, user: UserId) -> Option<Money> {
        self.wallets.get(&user).map(|wallet| wallet.balance)
    }

    /// The number of entries that the batch has added to this user's ledger so far.
    pub fn added(&self, user: UserId) -> u32 {
        self.wallets.get(&user).map_or(0, |wallet| wallet.added)
    }

    /// Was this charge made before?
    pub fn has_charge(&self, user: UserId, request_id: &str) -> bool {
        self.charges.contains_key(&(user, Box::from(request_id)))
    }

    /// Adds to a wallet once for a (user, request id). `Ok((entry, true))` is a new entry, to be stored;
    /// `Ok((entry, false))` the one that the same request made before.
    pub fn charge(
        &mut self,
        user: UserId,
        amount: Money,
        request_id: &str,
        now: Timestamp,
        ids: &mut IdSource,
    ) -> Result<(LedgerEntry, bool), Rejection> {
        let balance = self.balance(user).ok_or(Rejection::UserNotFound)?;
        let key = (user, Box::from(request_id));
        if let Some(before) = self.charges.get(&key) {
            return match before.amount_change == amount {
                true => Ok((before.clone(), false)),
                false => Err(Rejection::RequestIdReused),
            };
        }
        if amount <= 0 || amount > MONEY_MAX - balance {
            return Err(Rejection::InvalidAmount);
        }
        let id = ids.history(now);
        let entry = self.record(id, user, LedgerKind::Charge, amount, now, None, Some(key.1.clone()));
        self.charges.insert(key, entry.clone());
        Ok((entry, true))
    }

    /// Takes `amount` for a payment.
    pub fn debit(
        &mut self,
        user: UserId,
        amount: Money,
        payment: PaymentId,
        now: Timestamp,
        ids: &mut IdSource,
    ) -> Result<LedgerEntry, Rejection> {
        let balance = self.balance(user).ok_or(Rejection::UserNotFound)?;
        if balance < amount {
            return Err(Rejection::InsufficientBalance { balance, required: amount });
        }
        let id = ids.history(now);
        Ok(self.record(id, user, LedgerKind::Payment, -amount, now, Some(payment), None))
    }

    /// Gives `amount` of a payment back.
    pub fn refund(
        &mut self,
        user: UserId,
        amount: Money,
        payment: PaymentId,
        now: Timestamp,
        ids: &mut IdSource,
    ) -> Result<LedgerEntry, Rejection> {
        let balance = self.balance(user).ok_or(Rejection::UserNotFound)?;
        if amount > MONEY_MAX - balance {
            // Nobody's amount is wrong: there is only too much in the wallet by now.
            return Err(Rejection::WalletFull { balance, refund: amount });
        }
        let id = ids.history(now);
        Ok(self.record(id, user, LedgerKind::Refund, amount, now, Some(payment), None))
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of a ledger entry, named where it is made")]
    fn record(
        &mut self,
        id: HistoryId,
        user: UserId,
        kind: LedgerKind,
        amount_change: Money,
        at: Timestamp,
        payment: Option<PaymentId>,
        request_id: Option<Box<str>>,
    ) -> LedgerEntry {
        let wallet = self.wallets.entry(user).or_default();
        wallet.balance += amount_change;
        wallet.added += 1;
        LedgerEntry { id, user, kind, amount_change, balance: wallet.balance, at, payment, request_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: UserId = UserId(1);
    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn wallet_of(balance: Money) -> (Wallets, IdSource) {
        (Wallets::new(HashMap::from([(ALICE, balance)]), Vec::new()), IdSource::seeded([1; 32]))
    }

    #[test]
    fn a_repeated_charge_gives_the_first_answer_and_another_amount_is_refused() {
        let (mut wallets, mut ids) = wallet_of(10);
        let (first, new) = wallets.charge(ALICE, 5, "r", NOW, &mut ids).unwrap();
        assert!(new && first.balance == 15);
        assert_eq!(wallets.charge(ALICE, 5, "r", NOW, &mut ids), Ok((first, false)));
        assert_eq!(wallets.charge(ALICE, 6, "r", NOW, &mut ids), Err(Rejection::RequestIdReused));
        assert_eq!(wallets.balance(ALICE), Some(15));
    }

    #[test]
    fn amounts_out_of_bounds_change_nothing() {
        let (mut wallets, mut ids) = wallet_of(MONEY_MAX - 1);
        for amount in [0, -1, 2, MONEY_MAX, i64::MAX, i64::MIN] {
            assert_eq!(wallets.charge(ALICE, amount, "r", NOW, &mut ids), Err(Rejection::InvalidAmount));
        }
        assert!(wallets.charge(ALICE, 1, "r", NOW, &mut ids).is_ok());
        assert_eq!(wallets.charge(UserId(2), 1, "r", NOW, &mut ids), Err(Rejection::UserNotFound));
    }

    #[test]
    fn a_debit_needs_the_whole_amount() {
        let (mut wallets, mut ids) = wallet_of(10);
        let payment = ids.payment(NOW);
        assert_eq!(
            wallets.debit(ALICE, 11, payment, NOW, &mut ids),
            Err(Rejection::InsufficientBalance { balance: 10, required: 11 })
        );
        assert_eq!(wallets.debit(ALICE, 10, payment, NOW, &mut ids).unwrap().balance, 0);
        assert_eq!(wallets.refund(ALICE, 10, payment, NOW, &mut ids).unwrap().balance, 10);
        let (mut full, mut ids) = wallet_of(MONEY_MAX - 9);
        assert_eq!(
            full.refund(ALICE, 10, payment, NOW, &mut ids),
            Err(Rejection::WalletFull { balance: MONEY_MAX - 9, refund: 10 })
        );
        assert_eq!(full.refund(ALICE, 9, payment, NOW, &mut ids).unwrap().balance, MONEY_MAX);
    }
}
