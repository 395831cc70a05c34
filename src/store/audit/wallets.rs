//! Every wallet's balance is the sum of its ledger, and every payment and refund in a ledger is a payment's.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Findings;
use crate::domain::ids::{HistoryId, PaymentId, UserId};
use crate::domain::record::{LedgerEntry, LedgerKind, Payment, PaymentSource, PaymentStatus};
use crate::domain::seat_plan::{MONEY_MAX, Money};

#[derive(Default)]
pub struct Wallets {
    users: BTreeMap<UserId, Wallet>,
    /// Each payment as the ledgers have it.
    payments: HashMap<PaymentId, InLedger>,
    /// The requests of the user whose entries are being read.
    requests: HashSet<Box<str>>,
    ids: HashSet<HistoryId>,
    reading: Option<UserId>,
}

struct Wallet {
    balance: Money,
    entries: u64,
    /// The balance by the part of the ledger that was read.
    ledger_balance: Money,
    ledger_entries: u64,
}

/// A payment as the ledgers have it.
#[derive(Default)]
struct InLedger {
    paid: Vec<(UserId, Money)>,
    refunded: Vec<(UserId, Money)>,
}

impl Wallets {
    pub fn user(&mut self, user: UserId, balance: Money, entries: u64, findings: &mut Findings) {
        findings.check((0..=MONEY_MAX).contains(&balance), || {
            format!("the balance of user {user} is {balance}, outside of 0 to {MONEY_MAX}")
        });
        self.users.insert(user, Wallet { balance, entries, ledger_balance: 0, ledger_entries: 0 });
    }

    /// Entries come by user and number.
    pub fn entry(&mut self, entry: LedgerEntry, number: u64, findings: &mut Findings) {
        let LedgerEntry { id, user, kind, amount_change, balance, payment, request_id, .. } = entry;
        if self.reading != Some(user) {
            self.reading = Some(user);
            self.requests.clear();
            self.ids.clear();
        }
        let Some(wallet) = self.users.get_mut(&user) else {
            findings.fault(format!("ledger entry {id} is of user {user}, who does not exist"));
            return;
        };
        findings.check(number == wallet.ledger_entries + 1, || {
            format!("the ledger of user {user} has entry {number} after entry {}", wallet.ledger_entries)
        });
        findings.check(wallet.ledger_balance.checked_add(amount_change) == Some(balance), || {
            format!(
                "ledger entry {id} of user {user} changes a balance of {} by {amount_change} to {balance}",
                wallet.ledger_balance
            )
        });
        wallet.ledger_balance = balance;
        wallet.ledger_entries = number;
        findings.check(self.ids.insert(id), || format!("ledger entry {id} of user {user} is there twice"));
        let fits = match kind {
            LedgerKind::Charge => amount_change > 0 && payment.is_none(),
            LedgerKind::Payment => amount_change <= 0 && payment.is_some() && request_id.is_none(),
            LedgerKind::Refund => amount_change >= 0 && payment.is_some() && request_id.is_none(),
        };
        findings.check(fits, || format!("ledger entry {id} of user {user} does not fit its type {kind:?}"));
        if let Some(request) = request_id {
            findings.check(!self.requests.contains(&request), || {
                format!("user {user} was charged twice for request {request:?}")
            });
            self.requests.insert(request);
        }
        if let Some(payment) = payment {
            let in_ledgers = self.payments.entry(payment).or_default();
            match kind {
                LedgerKind::Refund => in_ledgers.refunded.push((user, amount_change)),
                LedgerKind::Payment | LedgerKind::Charge => in_ledgers.paid.push((user, -amount_change)),
            }
        }
    }

    /// Checks, after the last entry, that every balance agrees with its ledger.
    pub fn balance(&self, findings: &mut Findings) {
        for (user, wallet) in &self.users {
            findings.check(wallet.balance == wallet.ledger_balance, || {
                format!(
                    "the balance of user {user} is {}, their ledger adds up to {}",
                    wallet.balance, wallet.ledger_balance
                )
            });
            findings.check(wallet.entries == wallet.ledger_entries, || {
                format!(
                    "the wallet of user {user} counts {} ledger entries, there are {}",
                    wallet.entries, wallet.ledger_entries
                )
            });
        }
    }

    pub fn knows(&self, user: UserId) -> bool {
        self.users.contains_key(&user)
    }

    /// A stored payment: its ledger entries must be one payment, and refunds of what came back of it. One that was made at the
    /// desk has none, as no wallet had a part in it.
    pub fn payment(&mut self, payment: &Payment, findings: &mut Findings) {
        let Payment { id, user, source, amount, status, refunded, .. } = *payment;
        let in_ledgers = self.payments.remove(&id).unwrap_or_default();
        if source != PaymentSource::Wallet {
            let entries: Vec<_> = in_ledgers.paid.iter().chain(&in_ledgers.refunded).copied().collect();
            findings.check(entries.is_empty(), || {
                format!("payment {id} was made at the desk, in the ledgers it is {}", listed(&entries))
            });
            let is_whole = status != PaymentStatus::Cancelled || refunded == amount;
            findings.check((0..=amount).contains(&refunded) && is_whole, || {
                format!("payment {id} was made at the desk over {amount}, and {refunded} of it came back")
            });
            findings.check(source != PaymentSource::Gift || amount == 0, || {
                format!("payment {id} was given away, and {amount} was paid for it")
            });
            return;
        }
        let once = [(user, amount)];
        findings.check(in_ledgers.paid == once, || {
            format!(
                "payment {id} of user {user} is {amount}, in the ledgers it is {}",
                listed(&in_ledgers.paid)
            )
        });
        let refunds = &in_ledgers.refunded;
        let is_cancelled = status == PaymentStatus::Cancelled;
        let sum: i128 = refunds.iter().map(|(_, amount)| i128::from(*amount)).sum();
        let fits = refunds.iter().all(|(of, _)| *of == user) && sum == refunded.into();
        // An order that cost nothing, or a seat of it, comes back all the same.
        findings.check(fits && (refunded <= amount) && !(is_cancelled && refunds.is_empty()), || {
            let state = if is_cancelled { "cancelled" } else { "done" };
            format!(
                "payment {id} of user {user} over {amount} is {state}, {refunded} of it came back, its refunds in the \
                 ledgers are {}",
                listed(refunds)
            )
        });
    }

    /// Reports, after the last sale, ledger entries of payments that are nowhere.
    pub fn conclude(self, findings: &mut Findings) {
        let mut strays: Vec<_> = self.payments.into_iter().collect();
        strays.sort_unstable_by_key(|(id, _)| *id);
        for (id, in_ledgers) in strays {
            let users = in_ledgers.paid.iter().chain(&in_ledgers.refunded).map(|(user, _)| user.to_string());
            let users = users.collect::<Vec<_>>().join(", ");
            findings.fault(format!("the ledger of user {users} names payment {id}, which does not exist"));
        }
    }
}

fn listed(entries: &[(UserId, Money)]) -> String {
    if entries.is_empty() {
        return "nowhere".to_owned();
    }
    entries.iter().map(|(user, amount)| format!("{amount} of user {user}")).collect::<Vec<_>>().join(", ")
}
