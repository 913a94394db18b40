//! Which versions of the service work on one schema: rolling upgrades.
//!
//! The first server of a new version brings the schema forward while those of the old one go on working. That holds as
//! long as steps only add: tables, columns that are nullable or have a default, keys that refuse nothing. A program names
//! every column that it reads or writes, so it does not see what was added (`integration/rolling.rs` tries both).
//!
//! A step that takes something away, or adds a rule, ends that for those who do not know it: whoever writes it moves
//! [`FLOOR`] to it, a release after the last version that needs what it takes away. The database keeps the highest floor of
//! the programs that migrated it. A program that knows that step starts on the schema, however many later steps it does
//! not know; one that does not is refused, and a migration that raises the floor is refused while such a one still runs.

use super::{Conn, migrate::stop};
use crate::error::Result;
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

/// The step that a program must know to work on this program's schema.
pub const FLOOR: &str = "20261123000014";

/// How long a server that is not heard of counts as running.
const SILENCE: &str = "INTERVAL 60 SECOND";

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

fn words(conn: &mut Conn, query: &str) -> Result<Vec<String>> {
    let rows: Vec<Word> = sql_query(query).load(conn)?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// The step that a program must know to work on the database; `None`: it is from before there was such a thing.
pub(super) fn floor(conn: &mut Conn) -> Result<Option<String>> {
    let table = "SELECT table_name AS word FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name = 'schema_floor'";
    if words(conn, table)?.is_empty() {
        return Ok(None);
    }
    Ok(words(conn, "SELECT step AS word FROM schema_floor")?.pop())
}

/// Refuses to raise the floor to this step while servers run that do not know it.
pub fn make_way(conn: &mut Conn, floor_to_be: &str) -> Result<()> {
    let Some(now) = floor(conn)? else { return Ok(()) };
    if *now >= *floor_to_be {
        return Ok(());
    }
    let query = format!(
        "SELECT CONCAT(name, ' (version ', version, ')') AS word FROM server
         WHERE heartbeat > UTC_TIMESTAMP(6) - {SILENCE} AND COALESCE(newest_step, '') < '{floor_to_be}' ORDER BY name"
    );
    let running = words(conn, &query)?;
    if running.is_empty() {
        return Ok(());
    }
    Err(stop(format!(
        "the new schema is not for servers that do not know step {floor_to_be}, and such ones still run: stop {} first",
        running.join(", ")
    )))
}

/// Writes down what programs must know from now on.
pub(super) fn raise(conn: &mut Conn, floor_to_be: &str) -> Result<()> {
    let text =
        format!("UPDATE schema_floor SET step = '{floor_to_be}' WHERE step < '{floor_to_be}'");
    sql_query(text).execute(conn)?;
    Ok(())
}
