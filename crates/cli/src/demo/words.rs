//! The demonstration's words in four languages.

mod english;
mod french;
mod portuguese;
mod spanish;

use std::fmt::Display;

use self::english::ENGLISH;
use self::french::FRENCH;
use self::portuguese::PORTUGUESE;
use self::spanish::SPANISH;
use super::checks::Check;
use crate::language::Language;

/// One language's words. `{0}`, `{1}` … stand for what is told.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) setting_up: &'static str,
    /// Authority, its country, the other, its country.
    pub(super) authorities: &'static str,
    /// Who, for which authority.
    pub(super) works_for: &'static str,
    /// Who, the channel's title.
    pub(super) opens: &'static str,
    /// Who, whom, whom.
    pub(super) admits: &'static str,
    /// Who, what.
    pub(super) writes: &'static str,
    /// Who.
    pub(super) read_by: &'static str,
    /// Who.
    pub(super) closes_laptop: &'static str,
    /// Whose.
    pub(super) relay_killed: &'static str,
    pub(super) waiting: &'static str,
    pub(super) relay_back: &'static str,
    /// Who.
    pub(super) opens_laptop: &'static str,
    /// Who is impersonated, with whose key; who is enrolled but no member.
    pub(super) intruders: &'static str,
    pub(super) refused: &'static str,
    /// How many.
    pub(super) measuring: &'static str,
    /// Whom.
    pub(super) revokes: &'static str,
    pub(super) cut: &'static str,
    /// Who, whom.
    pub(super) lets_in: &'static str,
    /// Whom, whose device.
    pub(super) taken_out: &'static str,
    /// Who.
    pub(super) second_device: &'static str,
    pub(super) second_reads: &'static str,
    /// Who.
    pub(super) closes_case: &'static str,
    pub(super) stays_to_be_read: &'static str,
    /// How many texts.
    pub(super) searching: &'static str,
    /// How many certificates.
    pub(super) openssl: &'static str,
    /// How many notes, p50, p99.
    pub(super) latency: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    /// What the checks found out, in their order.
    pub(super) checks: [&'static str; Check::ALL.len()],
    /// Seconds.
    pub(super) took: &'static str,
    /// The directory.
    pub(super) left_in: &'static str,
    pub(super) start_relays: &'static str,
    pub(super) then_as: &'static str,
    pub(super) try_with_dir: &'static str,
}

impl Words {
    /// A language's words.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Es => &SPANISH,
            Language::Pt => &PORTUGUESE,
            Language::En => &ENGLISH,
            Language::Fr => &FRENCH,
        }
    }

    /// What a check found out.
    pub(super) fn check(&self, check: Check) -> &'static str {
        let index = Check::ALL.iter().position(|other| *other == check);
        index.map_or("", |index| self.checks[index])
    }
}

/// Puts what is told into a sentence.
pub(super) fn fill(sentence: &str, told: &[&dyn Display]) -> String {
    let mut filled = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((index, after)) = after.split_once('}') else { break };
        if let Some(value) = index.parse::<usize>().ok().and_then(|index| told.get(index)) {
            filled.push_str(&value.to_string());
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_filled() {
        assert_eq!(fill("{1}, {0} and {1}", &[&"a", &2]), "2, a and 2");
        assert_eq!(fill("nothing", &[&1]), "nothing");
    }

    #[test]
    fn every_language_tells_the_same() {
        let places = |words: &Words| -> Vec<usize> {
            let sentences = [
                words.authorities,
                words.works_for,
                words.opens,
                words.admits,
                words.writes,
                words.read_by,
                words.closes_laptop,
                words.relay_killed,
                words.opens_laptop,
                words.intruders,
                words.measuring,
                words.revokes,
                words.lets_in,
                words.taken_out,
                words.closes_case,
                words.second_device,
                words.searching,
                words.openssl,
                words.latency,
                words.took,
                words.left_in,
            ];
            sentences.iter().map(|sentence| sentence.matches('{').count()).collect()
        };
        for words in [&SPANISH, &PORTUGUESE, &FRENCH] {
            assert_eq!(places(words), places(&ENGLISH));
        }
    }
}
