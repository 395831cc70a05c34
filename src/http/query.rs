//! What stands in a path and behind its question mark.

use frontrow_protocol::ErrorObject;
use frontrow_protocol::limits::is_control;

/// `a=1&b=2`. Numbers and ids need no escaping, texts do.
#[derive(Clone, Copy)]
pub struct Query<'a>(pub &'a str);

impl<'a> Query<'a> {
    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// A text, as forms of browsers write it.
    pub fn text(&self, name: &str) -> Result<Option<String>, ErrorObject> {
        let Some(written) = self.get(name) else { return Ok(None) };
        let text = unescaped(written).filter(|text| !text.is_empty() && !text.chars().any(is_control));
        let problem = || format!("`{name}` is no text: percent signs, UTF-8, no control characters");
        text.map(Some).ok_or_else(|| ErrorObject::invalid_params(Some(name), &problem()))
    }

    /// Refuses names that mean nothing here, for a misspelt one would be overlooked, and those that are there twice.
    pub fn only(&self, names: &[&str]) -> Result<(), ErrorObject> {
        for (at, (name, _)) in self.pairs().enumerate() {
            let problem = if !names.contains(&name) {
                format!("unknown query parameter `{name}`")
            } else if self.pairs().take(at).any(|(before, _)| before == name) {
                format!("the query parameter `{name}` is there twice")
            } else {
                continue;
            };
            return Err(ErrorObject::invalid_params(Some(name), &problem));
        }
        Ok(())
    }
}

/// A whole number of this name.
pub fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<T, ErrorObject> {
    text.parse()
        .map_err(|_| ErrorObject::invalid_params(Some(name), &format!("`{name}` is not a whole number")))
}

/// `None`: a percent sign stands before what is no byte, or the bytes are no text.
fn unescaped(written: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_browsers_write_it() {
        for (query, expected) in [
            ("name=Kim", Ok(Some("Kim"))),
            ("name=Kim+Min%2dji", Ok(Some("Kim Min-ji"))),
            ("name=%EA%B9%80", Ok(Some("김"))),
            ("name=a%2Bb%26c", Ok(Some("a+b&c"))),
            ("other=1", Ok(None)),
            ("name=", Err(())),
            ("name=%2", Err(())),
            ("name=%zz", Err(())),
            ("name=%ff", Err(())),
            ("name=a%0Ab", Err(())),
            ("name=%E2%80%AE", Err(())),
        ] {
            let found = Query(query).text("name").map_err(|_| ());
            assert_eq!(found, expected.map(|text| text.map(str::to_owned)), "{query}");
        }
    }
}
