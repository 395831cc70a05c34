//! Amounts as people read them.

use frontrow_report::grouped;

/// The digits of the minor unit, where there are not two: ISO 4217.
fn digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// An amount in the currency's minor unit, with all its digits: money is never rounded.
pub fn written(amount: i64, currency: &str) -> String {
    let unit = 10_u64.pow(digits(currency));
    let (whole, rest) = (amount.unsigned_abs() / unit, amount.unsigned_abs() % unit);
    let sign = if amount < 0 { "-" } else { "" };
    let whole = grouped(whole as f64);
    match digits(currency) {
        0 => format!("{sign}{whole} {currency}"),
        width => format!("{sign}{whole}.{rest:0width$} {currency}", width = width as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (amount, currency, text) in [
            (154_000, "KRW", "154,000 KRW"),
            (1_999, "EUR", "19.99 EUR"),
            (5, "USD", "0.05 USD"),
            (-123_456, "USD", "-1,234.56 USD"),
            (1_234_567, "KWD", "1,234.567 KWD"),
            (9_007_199_254_740_991, "KRW", "9,007,199,254,740,991 KRW"),
        ] {
            assert_eq!(written(amount, currency), text);
        }
    }
}
