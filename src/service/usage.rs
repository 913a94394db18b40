//! `csgpu usage`: what was used between two days, summed, as CSV or JSON; and whether the history of GPUs is unchanged.

use crate::{
    domain::Time,
    error::{Error, Result},
    store::{
        Db, gpu_history,
        usage::{Sum, SumBy, Usage, sums},
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The sums as text: a line of CSV for each, below a line of names, or one JSON array.
pub fn report(db: &Db, (from, to): (Time, Time), by: SumBy, as_json: bool) -> Result<String> {
    if from > to {
        return Err(Error::Invalid(format!("the time begins at {from}, after its end at {to}")));
    }
    let rows = db.read_blocking(|conn| sums(conn, from, to, by))?;
    let whose = match by {
        SumBy::Account => "account",
        SumBy::Profile => "profile",
        SumBy::Host => "host",
    };
    if as_json {
        let rows: Vec<Value> = rows.iter().map(|row| object(whose, row)).collect();
        return Ok(format!("{:#}\n", Value::from(rows)));
    }
    let mut text = format!("type,typename,{whose}id,{whose},stretches,seconds,mibseconds\n");
    for row in &rows {
        let fields = [
            row.kind.to_string(),
            type_name(row).to_owned(),
            row.id.clone().unwrap_or_default(),
            row.name.clone().unwrap_or_default(),
            row.stretches.to_string(),
            seconds(row),
            row.mib_seconds.to_string(),
        ];
        text.push_str(&fields.map(|field| quoted(&field)).join(","));
        text.push('\n');
    }
    Ok(text)
}

/// Checks the history of every GPU: what is wrong, a line for each, and one line about all; is it all right? An auditor who keeps
/// the digest can tell later whether what there was then is still there.
pub fn verify(db: &Db) -> Result<(String, bool)> {
    let (mut text, mut entries, mut broken) = (String::new(), 0, 0);
    let mut digest = Sha256::new();
    let chains = db.read_blocking(gpu_history::chains)?;
    for chain in &chains {
        let verdict = db.read_blocking(|conn| gpu_history::check(conn, *chain))?;
        entries += verdict.entries;
        digest.update(format!("{chain} {} {}\n", verdict.entries, verdict.hash));
        if let Some((at, why)) = verdict.broken {
            broken += 1;
            let _ = writeln!(text, "GPU {chain}: entry {at}: {why}");
        }
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let gpus = chains.len();
    let _ = writeln!(text, "{gpus} GPUs, {entries} entries, {broken} broken, digest {digest}");
    Ok((text, broken == 0))
}

fn object(whose: &str, row: &Sum) -> Value {
    json!({
        "type": row.kind,
        "typename": type_name(row),
        format!("{whose}id"): row.id,
        whose: row.name,
        "stretches": row.stretches,
        "seconds": seconds(row),
        "mibseconds": row.mib_seconds,
    })
}

fn type_name(row: &Sum) -> &'static str {
    Usage::of_number(row.kind).map_or("", |usage| usage.words().0)
}

/// To the microsecond.
fn seconds(row: &Sum) -> String {
    let (whole, rest) = (row.microseconds / 1_000_000, row.microseconds.unsigned_abs() % 1_000_000);
    format!("{whole}.{rest:06}")
}

/// A field of CSV; what a spreadsheet would take for a formula is shown as text.
fn quoted(field: &str) -> String {
    let field = match field.chars().next() {
        Some('=' | '+' | '-' | '@') => format!("'{field}"),
        _ => field.to_owned(),
    };
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_csv_stay_fields() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("=cmd()"), "'=cmd()");
    }
}
