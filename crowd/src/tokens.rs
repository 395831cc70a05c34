//! Access tokens of many users: the lines that `frontrow user add --count` prints, kept as they came.

use serde::Deserialize;

/// One token a user.
pub struct Tokens {
    text: String,
    spans: Vec<(usize, usize)>,
    /// Whose they are, as far as it is said.
    users: Vec<Option<u64>>,
}

/// Why these are not the tokens that are needed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("line {line} has no `access_token`")]
    Line {
        line: usize,
        #[source]
        cause: serde_json::Error,
    },
    #[error(
        "{needed} users are needed and there are tokens of {there}; `frontrow user add --count {needed}` makes more"
    )]
    TooFew { needed: usize, there: usize },
}

#[derive(Deserialize)]
struct Line<'a> {
    access_token: &'a str,
    user_id: Option<u64>,
}

impl Tokens {
    /// Reads a line of JSON with `access_token` for each user; empty lines are skipped.
    pub fn parse(text: String) -> Result<Self, TokensError> {
        let (mut spans, mut users) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let Line { access_token, user_id } =
                serde_json::from_str(line).map_err(|cause| TokensError::Line { line: index + 1, cause })?;
            // A slice of `text`: a token needs no escapes, so it was read where it lies.
            let begin = access_token.as_ptr() as usize - text.as_ptr() as usize;
            spans.push((begin, begin + access_token.len()));
            users.push(user_id);
        }
        Ok(Self { text, spans, users })
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The token of one user.
    pub fn get(&self, user: usize) -> &str {
        let (begin, end) = self.spans[user];
        &self.text[begin..end]
    }

    /// Whose token it is, if the line says so.
    pub fn user(&self, user: usize) -> Option<u64> {
        self.users[user]
    }

    /// Fails if there are fewer.
    pub fn need(&self, users: usize) -> Result<(), TokensError> {
        match self.len() < users {
            true => Err(TokensError::TooFew { needed: users, there: self.len() }),
            false => Ok(()),
        }
    }
}

impl<T: AsRef<str>> FromIterator<T> for Tokens {
    fn from_iter<I: IntoIterator<Item = T>>(tokens: I) -> Self {
        let (mut text, mut spans, mut users) = (String::new(), Vec::new(), Vec::new());
        for token in tokens {
            let begin = text.len();
            text.push_str(token.as_ref());
            spans.push((begin, text.len()));
            users.push(None);
        }
        Self { text, spans, users }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_their_lines() {
        let text = "{\"user_id\":1,\"access_token\":\"a.b.c\"}\n\n{\"access_token\":\"d\",\"user_id\":2}\n";
        let tokens = Tokens::parse(text.to_owned()).unwrap();
        assert_eq!((tokens.len(), tokens.get(0), tokens.get(1)), (2, "a.b.c", "d"));
        assert_eq!((tokens.user(0), tokens.user(1)), (Some(1), Some(2)));
        assert!(tokens.need(2).is_ok() && tokens.need(3).is_err());
        let made: Tokens = ["a", "bc"].into_iter().collect();
        assert_eq!((made.len(), made.get(0), made.get(1), made.user(1)), (2, "a", "bc", None));
        let error = Tokens::parse("{\"access_token\":\"a\"}\n{\"user_id\":2}".to_owned()).err().unwrap();
        assert_eq!(error.to_string(), "line 2 has no `access_token`");
    }
}
