//! Operating systems of templates, and their categories.

use super::{
    Conn, Window, like,
    schema::{os_category, os_type},
};
use crate::{
    domain::{Id, id},
    error::Result,
};
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, TextExpressionMethods,
};

/// An operating system.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = os_type)]
pub struct OsType {
    /// Its id.
    pub id: Id<id::OsType>,
    /// Its category.
    pub category_id: Id<id::OsCategory>,
    /// Its name.
    pub name: String,
}

/// A family of operating systems.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = os_category)]
pub struct OsCategory {
    /// Its id.
    pub id: Id<id::OsCategory>,
    /// Its name.
    pub name: String,
}

/// Which operating systems to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::OsType>>,
    /// Of this category.
    pub category: Option<Id<id::OsCategory>>,
    /// With this name.
    pub name: Option<String>,
}

/// How many match, and one page of them with their categories' names, by name.
pub fn list(
    conn: &mut Conn,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<(OsType, String)>)> {
    let query = || {
        let mut query = os_type::table.inner_join(os_category::table).into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(os_type::id.eq(id));
        }
        if let Some(category) = filter.category {
            query = query.filter(os_type::category_id.eq(category));
        }
        if let Some(name) = &filter.name {
            query = query.filter(os_type::name.eq(name));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(os_type::name.like(like(word)));
        }
        query
    };
    let columns = (OsType::as_select(), os_category::name);
    let rows = window.page(query().select(columns).order(os_type::name), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// The operating system with this name.
pub fn by_name(conn: &mut Conn, name: &str) -> Result<Option<Id<id::OsType>>> {
    let query = os_type::table.filter(os_type::name.eq(name)).select(os_type::id);
    Ok(query.first(conn).optional()?)
}

/// How many categories match, and one page of them, by name.
pub fn categories(
    conn: &mut Conn,
    id: Option<Id<id::OsCategory>>,
    name: Option<&str>,
    window: &Window,
) -> Result<(i64, Vec<OsCategory>)> {
    let query = || {
        let mut query = os_category::table.into_boxed();
        if let Some(id) = id {
            query = query.filter(os_category::id.eq(id));
        }
        if let Some(name) = name {
            query = query.filter(os_category::name.eq(name));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(os_category::name.like(like(word)));
        }
        query
    };
    let rows =
        window.page(query().select(OsCategory::as_select()).order(os_category::name), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}
