//! What is said of a concert, which an operator may change as long as its sale runs.

/// The title of a concert, and what its page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub title: Box<str>,
    /// JSON, which the sale does not read; `None`: nothing.
    pub about: Option<Box<str>>,
}

/// Some of them; what is absent stays, and `Some(None)` takes a text away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextsPatch {
    pub title: Option<Box<str>>,
    pub about: Option<Option<Box<str>>>,
}

impl Texts {
    #[must_use]
    pub fn patched(&self, patch: &TextsPatch) -> Self {
        Self {
            title: patch.title.as_ref().unwrap_or(&self.title).clone(),
            about: patch.about.as_ref().unwrap_or(&self.about).clone(),
        }
    }
}
