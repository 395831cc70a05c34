//! Numbers as people read them.

/// A number with as many digits as one wants to read, thousands apart.
pub fn grouped(value: f64) -> String {
    let decimals = match value.abs() {
        small if small < 10.0 && value.fract() != 0.0 => 2,
        middle if middle < 1_000.0 && value.fract() != 0.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

/// Milliseconds, to three digits.
pub fn short(millis: f64) -> String {
    match millis {
        m if m < 10.0 => format!("{m:.2}"),
        m if m < 100.0 => format!("{m:.1}"),
        m => format!("{m:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (value, text) in [
            (0.0, "0"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (999.0, "999"),
            (15_234.5, "15,234"),
            (1_000_000.0, "1,000,000"),
            (-1_234.0, "-1,234"),
        ] {
            assert_eq!(grouped(value), text);
        }
        assert_eq!((short(1.234), short(12.34), short(250.6)), ("1.23".into(), "12.3".into(), "251".into()));
    }
}
