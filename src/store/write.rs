//! What writes of many nouns share: names that are taken, things that are still in use.

use super::{Conn, is_duplicate};
use crate::error::{Error, Result};
use diesel::{OptionalExtension, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

/// A write's outcome; a unique key that refused it becomes a conflict in these words.
pub(super) fn unless_taken(
    outcome: diesel::QueryResult<usize>,
    words: impl FnOnce() -> String,
) -> Result<usize> {
    outcome.map_err(|error| {
        let error = Error::from(error);
        if is_duplicate(&error) { Error::Invalid(words()) } else { error }
    })
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    what: String,
}

/// The first of these uses that there is, in its words. A use is `(words, "pod WHERE zone_id = {} AND alive = 1")`; `{}`
/// stands for the id. One statement.
pub(super) fn first_use<T>(
    conn: &mut Conn,
    id: crate::domain::Id<T>,
    uses: &[(&'static str, &'static str)],
) -> Result<Option<String>> {
    let id = format!("'{id}'"); // a UUID's text needs no escaping
    let parts: Vec<String> = uses
        .iter()
        .map(|(words, source)| {
            format!("(SELECT '{words}' FROM {} LIMIT 1)", source.replace("{}", &id))
        })
        .collect();
    let query = sql_query(format!("SELECT COALESCE({}, '') AS what", parts.join(", ")));
    let found: Option<Found> = query.get_result(conn).optional()?;
    Ok(found.map(|found| found.what).filter(|what| !what.is_empty()))
}
