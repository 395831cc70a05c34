//! Lines of comma-separated values (RFC 4180), as spreadsheets read them.
//!
//! Always: a text that a spreadsheet would take for a formula stands behind an apostrophe, however it got there: names are
//! fans' own. Numbers stay numbers, also texts that are nothing but one. What is more than letters and digits is quoted, also
//! where this comma needs none: some spreadsheets take a semicolon for one.

use std::fmt::Write;

use frontrow_protocol::Timestamp;

/// By this spreadsheets know that the file is UTF-8; without it they read Korean as something else.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The beginnings of what spreadsheets take for formulas, in both widths: those of the east take the wide ones, too.
const FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Lines, one cell after the other.
#[derive(Default)]
pub struct Csv {
    text: String,
    /// Of the line that is being written.
    cells: usize,
}

impl Csv {
    /// The line of names.
    pub fn names(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.cell(name));
        self.end();
    }

    /// What we write ourselves and needs nothing: a word, a number, an id, a time.
    pub fn cell(&mut self, value: impl std::fmt::Display) {
        self.begin();
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "{value}");
    }

    pub fn time(&mut self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.cell(at),
            None => self.begin(),
        }
    }

    /// What somebody else wrote.
    pub fn text(&mut self, text: &str) {
        self.begin();
        if text.chars().all(|c| c.is_alphanumeric()) {
            return self.text.push_str(text);
        }
        self.text.push('"');
        if text.starts_with(FORMULAS) && !is_number(text) {
            self.text.push('\'');
        }
        for c in text.chars() {
            if c == '"' {
                self.text.push('"');
            }
            self.text.push(c);
        }
        self.text.push('"');
    }

    pub fn end(&mut self) {
        self.text.push_str("\r\n");
        self.cells = 0;
    }

    pub fn into_text(self) -> String {
        self.text
    }

    fn begin(&mut self) {
        if self.cells > 0 {
            self.text.push(',');
        }
        self.cells += 1;
    }
}

/// Is it `-12.50` and nothing else? It means the same in a spreadsheet and runs nothing.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part].iter().all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut csv = Csv::default();
        csv.text(text);
        csv.into_text()
    }

    #[test]
    fn what_spreadsheets_would_run_is_a_text_and_numbers_are_numbers() {
        for (text, expected) in [
            ("Min", "Min"),
            ("김민지", "김민지"),
            ("Kim Min", "\"Kim Min\""),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a;=1+1", "\"a;=1+1\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1+1", "\"'+1+1\""),
            ("-2+3", "\"'-2+3\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("＝1+1", "\"'＝1+1\""),
            ("-12.50", "\"-12.50\""),
            ("+82", "\"+82\""),
            ("-", "\"'-\""),
            ("-1.", "\"'-1.\""),
            ("-1e5", "\"'-1e5\""),
            ("a\r\nb", "\"a\r\nb\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_end_as_the_standard_says_and_empty_cells_are_there() {
        let mut csv = Csv::default();
        csv.names(&["a", "b", "c"]);
        csv.cell(-5);
        csv.time(None);
        csv.text("x y");
        csv.end();
        assert_eq!(csv.into_text(), "a,b,c\r\n-5,,\"x y\"\r\n");
    }
}
