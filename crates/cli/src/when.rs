//! The clock, and how instants are written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use enlace_channel::entry::TimeZone;
use enlace_identity::time::Timestamp;

/// A day, as certificates count them.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The time in whole seconds, as certificates write it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_secs(since.as_secs())
}

/// For people: `2026-10-09 08:10 UTC`.
pub(crate) fn show(at: Timestamp) -> String {
    jiff_of(at).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// What a person means by `2026-10-09` (its end, UTC), `2026-10-09T08:10Z` or the like.
pub(crate) fn parse_end(text: &str) -> Result<Timestamp, String> {
    let day = || {
        let midnight =
            text.parse::<jiff::civil::Date>()?.tomorrow()?.to_datetime(Default::default());
        Ok(midnight.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp())
    };
    let at = text.parse::<jiff::Timestamp>().or_else(|_: jiff::Error| day());
    let at = at.map_err(|_: jiff::Error| "expected a day, or a time with its zone".to_owned())?;
    u64::try_from(at.as_millisecond())
        .map(Timestamp::from_millis)
        .map_err(|_| "before 1970".to_owned())
}

/// For people: `2026-10-09`.
pub(crate) fn show_day(at: Timestamp) -> String {
    jiff_of(at).strftime("%Y-%m-%d").to_string()
}

/// For people, in the time zone of this machine: `2026-10-09 10:15`.
pub(crate) fn show_local(at: Timestamp) -> String {
    let zoned = jiff_of(at).to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M").to_string()
}

fn jiff_of(at: Timestamp) -> jiff::Timestamp {
    let millis = i64::try_from(at.as_millis()).ok();
    millis.and_then(|m| jiff::Timestamp::from_millisecond(m).ok()).unwrap_or(jiff::Timestamp::MAX)
}

/// For programs: RFC 3339.
pub(crate) mod rfc3339 {
    use enlace_identity::time::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&super::jiff_of(*at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        let at: jiff::Timestamp = String::deserialize(d)?.parse().map_err(D::Error::custom)?;
        let millis = u64::try_from(at.as_millisecond());
        millis.map(Timestamp::from_millis).map_err(|_| D::Error::custom("before 1970"))
    }
}

/// The machine's own, as far as it has a name.
pub(crate) fn time_zone() -> TimeZone {
    let system = jiff::tz::TimeZone::system();
    let named = system.iana_name().and_then(|name| name.parse().ok());
    named.unwrap_or_else(TimeZone::utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_in_utc() {
        let at = Timestamp::from_secs(1_767_268_800);
        assert_eq!(show(at), "2026-01-01 12:00 UTC");
        assert_eq!(show_day(at), "2026-01-01");
        assert_eq!(parse_end("2026-01-01T12:00Z"), Ok(at));
        assert_eq!(parse_end("2025-12-31"), Ok(at.minus(DAY / 2)));
        assert!(parse_end("soon").is_err());
    }
}
