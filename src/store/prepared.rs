//! Statements as text that the database prepares once for each connection.
//!
//! diesel prepares what is made with `sql_query` anew each time: three round trips instead of one. What is on the way
//! of every deploy is made with [`prepared`]. It is kept by its text for as long as the connection lives, so ids and
//! amounts belong into binds: a text may have a few forms, never one for each value.

use super::Conn;
use diesel::{
    QueryResult, RunQueryDsl,
    mysql::Mysql,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::Error,
    serialize::ToSql,
    sql_types::{HasSqlType, Untyped},
};
use std::{borrow::Cow, marker::PhantomData};

/// A statement with its values.
pub(super) struct Prepared<'a> {
    text: Cow<'a, str>,
    binds: Vec<Box<dyn QueryFragment<Mysql> + Send + 'a>>,
    is_rare: bool,
}

/// A statement with a `?` for each value, and no `?` elsewhere.
pub(super) fn prepared<'a>(text: impl Into<Cow<'a, str>>) -> Prepared<'a> {
    Prepared { text: text.into(), binds: Vec::new(), is_rare: false }
}

/// So many `?`, joined by commas.
pub(super) fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Lists of values up to this length are made one of a few lengths; it is the usual length of a page.
const MOST: usize = 500;

/// The values, the last one repeated until there are as many as one of a few forms has: `IN (..)` means the same, and the
/// statement is one that is kept. Longer lists stay as they are.
pub(super) fn padded<T: Copy>(values: &[T]) -> Vec<T> {
    let forms = [1, 5, 20, 100, MOST];
    let length = forms.into_iter().find(|form| *form >= values.len()).unwrap_or(values.len());
    let mut padded = values.to_vec();
    padded.extend(values.last().map(|last| vec![*last; length - values.len()]).unwrap_or_default());
    padded
}

impl<'a> Prepared<'a> {
    /// The value of the next `?`.
    pub(super) fn bind<ST, U>(mut self, value: U) -> Self
    where
        Mysql: HasSqlType<ST>,
        U: ToSql<ST, Mysql> + Send + 'a,
        ST: Send + 'a,
    {
        self.binds.push(Box::new(Bind { value, kind: PhantomData }));
        self
    }

    /// A query of diesel's instead of the next `?`.
    pub(super) fn part(mut self, query: impl QueryFragment<Mysql> + Send + 'a) -> Self {
        self.binds.push(Box::new(query));
        self
    }

    /// Not kept after all, when this is so: a form that may never come again.
    pub(super) fn rare(self, is_rare: bool) -> Self {
        Self { is_rare, ..self }
    }

    /// Not kept when a list of [`padded`] values is of no usual length.
    pub(super) fn of_padded(self, length: usize) -> Self {
        self.rare(length > MOST)
    }

    /// The values of the next ones.
    pub(super) fn bind_all<ST, U>(self, values: impl IntoIterator<Item = U>) -> Self
    where
        Mysql: HasSqlType<ST>,
        U: ToSql<ST, Mysql> + Send + 'a,
        ST: Send + 'a,
    {
        values.into_iter().fold(self, Self::bind::<ST, U>)
    }
}

/// A statement of diesel's that is kept by its text, too, where diesel does not trust it to have few forms: updates, lists of
/// values, and what holds a text.
pub(super) fn kept<Q>(query: Q) -> Kept<Q> {
    Kept(query)
}

/// What [`kept`] makes.
pub(super) struct Kept<Q>(Q);

impl<Q: QueryFragment<Mysql>> QueryFragment<Mysql> for Kept<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Mysql) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<Conn> for Kept<Q> {}

struct Bind<ST, U> {
    value: U,
    kind: PhantomData<ST>,
}

impl<ST, U> QueryFragment<Mysql> for Bind<ST, U>
where
    Mysql: HasSqlType<ST>,
    U: ToSql<ST, Mysql>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        pass.push_bind_param(&self.value)
    }
}

impl QueryFragment<Mysql> for Prepared<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        if self.is_rare {
            pass.unsafe_to_cache_prepared();
        }
        let mut binds = self.binds.iter();
        for (n, part) in self.text.split('?').enumerate() {
            if n > 0 {
                let bind = binds.next().ok_or_else(|| miscounted(&self.text))?;
                bind.walk_ast(pass.reborrow())?;
            }
            pass.push_sql(part);
        }
        match binds.next() {
            None => Ok(()),
            Some(_) => Err(miscounted(&self.text)),
        }
    }
}

fn miscounted(text: &str) -> Error {
    Error::QueryBuilderError(format!("not as many values as there are places: {text}").into())
}

impl QueryId for Prepared<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Prepared<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<Conn> for Prepared<'_> {}
