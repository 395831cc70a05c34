//! `Forwarded` (RFC 7239), read from its right end. What stands to the left came from further away and may be made
//! to confuse: an unclosed quote there must not swallow what our own proxy wrote behind it.

/// The elements of a list, the last one first. A comma inside quotes does not part elements.
pub(super) fn elements_from_the_right(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    parts_from_the_right(line, b',')
}

/// The value of an element's `for`, without quotes.
pub(super) fn node_of(element: &[u8]) -> Option<&[u8]> {
    let value = parts_from_the_right(element, b';').find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at(equals);
        name.trim_ascii().eq_ignore_ascii_case(b"for").then(|| value[1..].trim_ascii())
    })?;
    match value {
        [b'"', quoted @ .., b'"'] => Some(quoted),
        plain => Some(plain),
    }
}

fn parts_from_the_right(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let mut quoted = false;
        for place in (0..line.len()).rev() {
            match line[place] {
                b'"' if !is_escaped(line, place) => quoted = !quoted,
                byte if byte == separator && !quoted => {
                    rest = Some(&line[..place]);
                    return Some(&line[place + 1..]);
                }
                _ => {}
            }
        }
        rest = None;
        Some(line)
    })
}

/// A quote behind an odd number of backslashes is part of the text.
fn is_escaped(line: &[u8], place: usize) -> bool {
    line[..place].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
