//! Signatures with an end: `signatureVersion=3` and the date formats of `expires`.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};

use super::intake::any_case;

/// Whether the request may still be used at `now`: only version 3 asks for a readable `expires` in the future.
pub fn is_current(params: &[(String, String)], now: DateTime<Utc>) -> bool {
    if any_case(params, "signatureversion") != Some("3") {
        return true;
    }
    any_case(params, "expires").and_then(parse_offset_datetime).is_some_and(|end| end >= now)
}

/// A date with a time and an offset, in one of the spellings CloudStack takes.
///
/// * ISO 8601: seconds and up to nine fraction digits optional, offset `Z`, `+05`, `+05:30` or `+05:30:00`
/// * whole seconds and a colon-less offset: `2030-01-02T03:04:05+0530`
/// * exactly six fraction digits and `+0530`, `+05` or `Z`
/// * whole seconds, a literal `Z` and a colon-less offset, which counts: `2030-01-02T03:04:05Z+0530`
pub fn parse_offset_datetime(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = Cursor(text.as_bytes());
    let date = rest.date()?;
    rest.letter(b'T')?;
    let (hour, minute) = (rest.number(2)?, rest.after(b':')?);
    let mut local = date.and_hms_opt(hour, minute, 0)?;
    let mut style = Style::Minutes;
    if rest.0.first() == Some(&b':') {
        local = local
            .checked_add_signed(TimeDelta::seconds(rest.after(b':').filter(|s| *s < 60)?.into()))?;
        style = Style::Seconds;
        if rest.0.first() == Some(&b'.') {
            let (nanos, digits) = rest.fraction()?;
            local = local.checked_add_signed(TimeDelta::nanoseconds(nanos))?;
            style = Style::Fraction(digits);
        }
    }
    in_utc(local, rest.offset(style)?)
}

/// How precise the time was, which decides what offsets may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Minutes,
    Seconds,
    Fraction(usize),
}

fn in_utc(local: NaiveDateTime, offset: FixedOffset) -> Option<DateTime<Utc>> {
    offset.from_local_datetime(&local).single().map(|time| time.with_timezone(&Utc))
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn date(&mut self) -> Option<NaiveDate> {
        let year = i32::try_from(self.number(4)?).ok()?;
        let month = self.after(b'-')?;
        NaiveDate::from_ymd_opt(year, month, self.after(b'-')?)
    }

    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (head, tail) = self.0.split_at_checked(digits)?;
        if !head.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = tail;
        Some(head.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }

    /// This letter in either case.
    fn letter(&mut self, letter: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        first.eq_ignore_ascii_case(&letter).then_some(())
    }

    /// Two digits behind a separator.
    fn after(&mut self, separator: u8) -> Option<u32> {
        self.letter(separator)?;
        self.number(2)
    }

    /// A point and up to nine digits, as nanoseconds and the count of digits.
    fn fraction(&mut self) -> Option<(i64, usize)> {
        self.letter(b'.')?;
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zeros = u32::try_from(9_usize.checked_sub(digits)?).ok()?;
        let value = i64::from(self.number(digits)?);
        Some((value * 10_i64.pow(zeros), digits))
    }

    /// Everything that is left, as an offset.
    fn offset(&mut self, style: Style) -> Option<FixedOffset> {
        let (first, rest) = self.0.split_first()?;
        let east = match first {
            b'Z' | b'z' if rest.is_empty() => return FixedOffset::east_opt(0),
            b'Z' if style == Style::Seconds => {
                self.0 = rest;
                return self.offset(Style::Seconds).filter(|_| rest.len() == 5);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = rest;
        let hours = self.number(2)?;
        let (minutes, seconds) = match self.0.len() {
            0 => (0, 0),
            2 if matches!(style, Style::Seconds | Style::Fraction(6)) => (self.number(2)?, 0),
            3 => (self.after(b':')?, 0),
            6 => (self.after(b':')?, self.after(b':')?),
            _ => return None,
        };
        let total = i32::try_from(hours * 3600 + minutes * 60 + seconds).ok()?;
        if minutes > 59 || seconds > 59 || total > 18 * 3600 {
            return None;
        }
        FixedOffset::east_opt(east * total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the real server made of these spellings; an empty second column is a refusal.
    const SPELLINGS: &[(&str, &str)] = &[
        ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z"),
        ("2030-01-02T03:04:05+0000", "2030-01-02T03:04:05Z"),
        ("2030-01-02T03:04:05+00:00", "2030-01-02T03:04:05Z"),
        ("2030-01-02T03:04:05+05:30", "2030-01-01T21:34:05Z"),
        ("2030-01-02T03:04:05+0530", "2030-01-01T21:34:05Z"),
        ("2030-01-02T03:04:05-0800", "2030-01-02T11:04:05Z"),
        ("2030-01-02T03:04:05+05", "2030-01-01T22:04:05Z"),
        ("2030-01-02T03:04Z", "2030-01-02T03:04:00Z"),
        ("2030-01-02T03:04:05.1Z", "2030-01-02T03:04:05.100Z"),
        ("2030-01-02T03:04:05.123Z", "2030-01-02T03:04:05.123Z"),
        ("2030-01-02T03:04:05.123456Z", "2030-01-02T03:04:05.123456Z"),
        ("2030-01-02T03:04:05.123456789Z", "2030-01-02T03:04:05.123456789Z"),
        ("2030-01-02T03:04:05.123456+0000", "2030-01-02T03:04:05.123456Z"),
        ("2030-01-02T03:04:05.123+0000", ""),
        ("2030-01-02T03:04:05.123+00:00", "2030-01-02T03:04:05.123Z"),
        ("2030-01-02T03:04:05.123456+05", "2030-01-01T22:04:05.123456Z"),
        ("2030-01-02T03:04:05Z+0000", "2030-01-02T03:04:05Z"),
        ("2030-01-02T03:04:05Z+0530", "2030-01-01T21:34:05Z"),
        ("2030-01-02T03:04:05 0000", ""),
        ("2030-01-02t03:04:05z", "2030-01-02T03:04:05Z"),
        ("2030-01-02 03:04:05", ""),
        ("2030-01-02 03:04:05Z", ""),
        ("2030-01-02", ""),
        ("2030-01-02T03:04:05", ""),
        ("1893553445", ""),
        ("1893553445000", ""),
        ("2030-01-02T03:04:05GMT", ""),
        ("2030-01-02T24:00:00Z", ""),
        ("2030-1-2T3:4:5Z", ""),
        ("+2030-01-02T03:04:05Z", ""),
        ("", ""),
    ];

    #[test]
    fn the_spellings_of_the_real_server_are_taken_and_no_others() {
        for (text, instant) in SPELLINGS {
            let expected = instant.parse::<DateTime<Utc>>().ok();
            assert_eq!(parse_offset_datetime(text), expected, "{text}");
        }
    }

    #[test]
    fn impossible_dates_and_offsets_are_refused() {
        for text in [
            "2030-02-30T03:04:05Z",
            "2030-01-02T03:60:05Z",
            "2030-01-02T03:04:60Z",
            "2030-01-02T03:04:05+19:00",
            "2030-01-02T03:04:05+05:60",
            "2030-01-02T03:04:05+5",
            "2030-01-02T03:04:05Z+05:30",
            "2030-01-02T03:04:05ZZ",
            "2030-01-02T03:04:05.1234567890Z",
            "2030-01-02T03:04+0530",
        ] {
            assert_eq!(parse_offset_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn only_version_3_looks_at_the_end() {
        let now = parse_offset_datetime("2030-01-02T03:04:05Z").unwrap();
        let params = |version: &str, end: &str| {
            vec![
                ("signatureVersion".to_string(), version.to_string()),
                ("EXPIRES".to_string(), end.to_string()),
            ]
        };
        assert!(is_current(&[], now));
        assert!(is_current(&params("2", "long ago"), now));
        assert!(is_current(&params("3", "2030-01-02T03:04:06Z"), now));
        assert!(!is_current(&params("3", "2030-01-02T03:04:04Z"), now));
        assert!(!is_current(&params("3", "2030-01-02T03:04:06 0000"), now));
        assert!(!is_current(&params("3", "")[..1], now));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[0-9TZtz:+. -]{0,40}") {
            let _ = parse_offset_datetime(&text);
        }
    }
}
