//! What stands in a path and behind its question mark.

use frontrow_protocol::ErrorObject;

/// `a=1&b=2`. No value of ours needs escaping.
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
