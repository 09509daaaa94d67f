//! Why a command failed: what happened, its causes, and what to do about it.

use std::error::Error;

/// A command's failure, in the words that the caller of the program reads.
#[derive(Debug)]
pub struct Failure {
    /// Outermost first.
    context: Vec<String>,
    error: Option<Box<dyn Error + Send + Sync>>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { context: vec![message.into()], error: None, hint: None }
    }

    /// Says what to do about it; the first, innermost hint stays.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    #[must_use]
    fn context(mut self, message: String) -> Self {
        self.context.insert(0, message);
        self
    }

    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What happened, then each cause. A cause that its effect has quoted already is left out.
    pub(crate) fn messages(&self) -> Vec<String> {
        let mut messages = self.context.clone();
        let mut next = self.error.as_deref().map(|error| error as &dyn Error);
        while let Some(error) = next {
            let text = error.to_string();
            if messages.last().is_none_or(|said| !said.contains(&text)) {
                messages.push(text);
            }
            next = error.source();
        }
        messages
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { context: Vec::new(), error: Some(error.into()), hint: None }
    }
}

/// Adds to what a failure says.
pub(crate) trait Explain<T> {
    /// Says what was being done.
    fn context(self, message: impl FnOnce() -> String) -> Result<T, Failure>;
    /// Says what to do about it.
    fn hint(self, hint: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Explain<T> for Result<T, E> {
    fn context(self, message: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| error.into().context(message()))
    }

    fn hint(self, hint: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| error.into().hint(hint()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer: {0}")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn a_cause_is_said_once() {
        let failed: Result<(), _> = Err(Outer(Inner)).context(|| "top".to_owned());
        assert_eq!(failed.unwrap_err().messages(), ["top", "outer: inner"]);
    }

    #[test]
    fn the_innermost_hint_stays() {
        let failed: Result<(), _> = Err(Inner).hint(|| "near".to_owned()).hint(|| "far".to_owned());
        assert_eq!(failed.unwrap_err().hint_text(), Some("near"));
    }
}
