//! The languages of officers.

use std::str::FromStr;

/// A language in which officers are spoken to. Registrars, operators and programs get English.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Language {
    /// Español.
    Es,
    /// Português.
    Pt,
    /// English.
    #[default]
    En,
    /// Français.
    Fr,
}

/// The text names no language that is spoken here.
#[derive(Debug, thiserror::Error)]
#[error("the languages are es, pt, en and fr")]
pub(crate) struct LanguageError;

impl Language {
    /// The one that the environment asks for, as POSIX has it.
    pub(crate) fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        locale.and_then(|locale| Self::of_locale(&locale)).unwrap_or_default()
    }

    /// `es_CO.UTF-8` is Spanish.
    fn of_locale(locale: &str) -> Option<Self> {
        locale.split(['_', '-', '.', '@']).next()?.parse().ok()
    }
}

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        match text {
            "es" => Ok(Self::Es),
            "pt" => Ok(Self::Pt),
            "en" => Ok(Self::En),
            "fr" => Ok(Self::Fr),
            _ => Err(LanguageError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_begins_with_its_language() {
        for (locale, language) in [
            ("es_CO.UTF-8", Some(Language::Es)),
            ("pt-BR", Some(Language::Pt)),
            ("fr@euro", Some(Language::Fr)),
            ("en", Some(Language::En)),
            ("C.UTF-8", None),
            ("de_DE", None),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }
}
