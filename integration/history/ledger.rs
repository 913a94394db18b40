//! Decides about who held what and when: the books' own rows beside what the hosts wrote down by themselves.

use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// A moment.
pub type At = DateTime<Utc>;

/// One row of the books: an instance held a device.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The host's name and the device's address there.
    pub device: String,
    /// The same of the GPU that it is a slice of.
    pub parent: Option<String>,
    pub vm: String,
    pub account: String,
    pub reserved: At,
    pub allocated: Option<At>,
    pub releasing: Option<At>,
    pub released: Option<At>,
}

/// What a host wrote down: a domain ran with a device in its hands.
#[derive(Debug, Clone)]
pub struct Run {
    pub device: String,
    pub vm: String,
    pub from: At,
    pub until: Option<At>,
}

/// Devices that had two owners at a time, or were cut and whole at a time.
pub fn two_owners(books: &[Holding]) -> Vec<String> {
    let mut of_each: HashMap<&str, Vec<&Holding>> = HashMap::new();
    for row in books {
        of_each.entry(&row.device).or_default().push(row);
    }
    let mut wrong = Vec::new();
    for rows in of_each.values_mut() {
        rows.sort_by_key(|row| row.reserved);
        let pairs = rows.windows(2).filter(|pair| overlap(pair[0], pair[1]));
        wrong.extend(pairs.map(|pair| format!("two owners at a time: {pair:?}")));
    }
    for slice in books.iter().filter(|row| row.parent.is_some()) {
        let whole = slice.parent.as_deref().and_then(|parent| of_each.get(parent));
        let clash = whole.into_iter().flatten().filter(|row| overlap(row, slice));
        wrong.extend(clash.map(|row| format!("whole and cut at a time: {row:?} {slice:?}")));
    }
    wrong
}

fn overlap(one: &Holding, other: &Holding) -> bool {
    one.released.is_none_or(|end| end > other.reserved)
        && other.released.is_none_or(|end| end > one.reserved)
}

/// Domains that ran with a device that their instance did not hold all the time.
pub fn not_in_the_books(books: &[Holding], runs: &[Run]) -> Vec<String> {
    let mut of_each: HashMap<(&str, &str), Vec<&Holding>> = HashMap::new();
    for row in books {
        of_each.entry((&row.device, &row.vm)).or_default().push(row);
    }
    let covers = |row: &Holding, run: &Run| {
        row.reserved <= run.from
            && row.released.is_none_or(|end| run.until.is_some_and(|until| until <= end))
    };
    let missing = runs.iter().filter(|run| {
        let rows = of_each.get(&(run.device.as_str(), run.vm.as_str()));
        !rows.into_iter().flatten().any(|row| covers(row, run))
    });
    missing.map(|run| format!("it ran with what it did not hold: {run:?}")).collect()
}

/// For how many seconds together an account had more devices than this, reserved or allocated. What ends and what
/// begins at a limit are written by two transactions, of which the second waits for the first: its time may be the
/// earlier one, so an excess of moments is none.
pub fn seconds_above(books: &[Holding], account: &str, limit: usize) -> f64 {
    let mut steps: Vec<(At, i64)> = Vec::new();
    for row in books.iter().filter(|row| row.account == account) {
        steps.push((row.reserved, 1));
        steps.extend(row.releasing.or(row.released).map(|end| (end, -1)));
    }
    // what ends at a moment makes room for what begins then
    steps.sort();
    let (mut now, mut above) = (0, 0.0);
    for pair in steps.windows(2) {
        now += pair[0].1;
        if usize::try_from(now).is_ok_and(|now| now > limit) {
            above += (pair[1].0 - pair[0].0).as_seconds_f64();
        }
    }
    above
}

/// Seconds of use of an account: the integral of its allocations that are over.
pub fn seconds(books: &[Holding], account: &str) -> f64 {
    let own = books.iter().filter(|row| row.account == account);
    own.filter_map(|row| Some((row.releasing.or(row.released)? - row.allocated?).as_seconds_f64()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> At {
        DateTime::from_timestamp(second, 0).expect("a moment")
    }

    fn held(device: &str, vm: &str, from: i64, until: Option<i64>) -> Holding {
        Holding {
            device: device.to_owned(),
            parent: None,
            vm: vm.to_owned(),
            account: "joe".to_owned(),
            reserved: at(from),
            allocated: Some(at(from + 1)),
            releasing: until.map(|end| at(end - 1)),
            released: until.map(at),
        }
    }

    fn run(vm: &str, from: i64, until: Option<i64>) -> Run {
        Run { device: "d".to_owned(), vm: vm.to_owned(), from: at(from), until: until.map(at) }
    }

    #[test]
    fn two_owners_at_a_time_are_found() {
        let one = held("d", "a", 0, Some(10));
        assert!(two_owners(&[held("d", "b", 10, None), one.clone()]).is_empty());
        assert!(two_owners(&[held("e", "b", 9, None), one.clone()]).is_empty());
        assert_eq!(two_owners(&[held("d", "b", 9, None), one.clone()]).len(), 1);
        let slice = |from| Holding { parent: Some("d".to_owned()), ..held("s", "b", from, None) };
        assert!(two_owners(&[slice(10), one.clone()]).is_empty());
        assert_eq!(two_owners(&[slice(9), one]).len(), 1);
    }

    #[test]
    fn a_run_without_a_row_around_it_is_found() {
        let books = [held("d", "a", 0, Some(10)), held("d", "b", 20, None)];
        let good = [run("a", 1, Some(9)), run("a", 2, Some(10)), run("b", 21, None)];
        assert!(not_in_the_books(&books, &good).is_empty());
        for bad in
            [run("a", 1, Some(11)), run("a", 1, None), run("b", 5, Some(6)), run("c", 1, None)]
        {
            assert_eq!(not_in_the_books(&books, std::slice::from_ref(&bad)).len(), 1, "{bad:?}");
        }
    }

    #[test]
    fn the_time_above_a_limit_and_the_integral() {
        let books =
            [held("d", "a", 0, Some(10)), held("e", "a", 5, None), held("d", "b", 10, None)];
        assert_eq!(seconds_above(&books, "joe", 1), 9.0 - 5.0);
        assert_eq!(seconds_above(&books, "joe", 2), 0.0);
        assert_eq!(seconds_above(&books, "eve", 0), 0.0);
        assert_eq!(seconds(&books, "joe"), 8.0);
    }
}
