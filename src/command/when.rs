//! A moment as a parameter: a day, a day with a time, or a moment with its zone.

use super::{ParamSpec, Reader, Wire};
use crate::{domain::Time, error::Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// A moment in UTC, or a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A moment.
    At(Time),
    /// A day.
    Day(NaiveDate),
}

impl When {
    /// The first moment of it.
    pub fn start(self) -> Time {
        match self {
            Self::At(time) => time,
            Self::Day(day) => day.and_time(NaiveTime::MIN),
        }
    }

    /// The first moment after it; of a moment, itself.
    pub fn end(self) -> Time {
        match self {
            Self::At(time) => time,
            Self::Day(day) => day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN),
        }
    }

    /// Reads the forms that clients send; what follows a day is ignored where it is no time.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let zoned = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
        if let Ok(moment) = zoned {
            return Some(Self::At(moment.naive_utc()));
        }
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S") {
            return Some(Self::At(moment));
        }
        let (day, _) = NaiveDate::parse_and_remainder(text, "%Y-%m-%d").ok()?;
        let is_plausible = (1970..=9998).contains(&chrono::Datelike::year(&day));
        is_plausible.then_some(Self::Day(day))
    }
}

impl Wire for When {
    const KIND: &'static str = "date";
    fn read(reader: &mut Reader<'_>, _: &ParamSpec, text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| reader.bad_date(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_told_apart() {
        let day = When::parse("2026-01-31").expect("a day");
        assert_eq!(day.start().to_string(), "2026-01-31 00:00:00");
        assert_eq!(day.end().to_string(), "2026-02-01 00:00:00");
        let moment = When::parse("2026-01-31T10:00:00+0200").expect("a moment");
        assert_eq!(moment.end().to_string(), "2026-01-31 08:00:00");
        assert_eq!(When::parse("2026-01-31T10:00:00Z"), When::parse("2026-01-31 10:00:00"));
        assert!(matches!(When::parse("2026-1-2 and more"), Some(When::Day(_))));
        assert_eq!(When::parse("yesterday"), None);
    }
}
