//! One page of a list, and the count of the whole with as few statements as can be.

use super::Conn;
use crate::error::Result;
use diesel::{
    mysql::Mysql,
    query_dsl::methods::{LimitDsl, LoadQuery, OffsetDsl},
};

/// Which rows of a list, and the keyword they must contain.
#[derive(Debug, Clone)]
pub struct Window {
    /// A part of a name, any case.
    pub keyword: Option<String>,
    /// The first row, from 0.
    pub offset: i64,
    /// The most rows; `None`: all.
    pub limit: Option<i64>,
}

impl Window {
    /// All rows.
    pub const ALL: Self = Self { keyword: None, offset: 0, limit: None };

    /// The rows of this page, in the query's order.
    pub fn page<'q, Q, L, O, T>(&self, query: Q, conn: &mut Conn) -> Result<Vec<T>>
    where
        Q: LimitDsl<Output = L>,
        L: OffsetDsl<Output = O>,
        O: LoadQuery<'q, Conn, T>,
        Mysql: diesel::backend::Backend,
    {
        // MySQL has no OFFSET without LIMIT, so "all" is the largest number
        let limited = query.limit(self.limit.unwrap_or(i64::MAX)).offset(self.offset);
        Ok(diesel::RunQueryDsl::load::<T>(limited, conn)?)
    }

    /// The count of the whole: known without asking when the page shows the end of the list.
    pub fn count(&self, rows: usize, ask: impl FnOnce() -> Result<i64>) -> Result<i64> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let is_end = self.limit.is_none_or(|limit| rows < limit);
        if is_end && (rows > 0 || self.offset == 0) { Ok(self.offset + rows) } else { ask() }
    }
}

/// A `LIKE` pattern for a part of a text, whatever characters it holds.
pub fn like(part: &str) -> String {
    format!("%{}%", escape_like(part))
}

/// The text as a `LIKE` pattern that matches only itself.
pub fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
