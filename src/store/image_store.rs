//! Image stores: rows and queries.

use super::{
    Conn, Tx, Window, clock, like,
    schema::{image_store, zone},
    write::{first_use, unless_taken},
};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods,
    QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper, TextExpressionMethods,
    insert_into, update,
};

/// An image store: a directory that all management servers share.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = image_store)]
pub struct ImageStore {
    /// Its id.
    pub id: Id<id::ImageStore>,
    /// The zone that it serves; `None`: all.
    pub zone_id: Option<Id<id::Zone>>,
    /// Its name.
    pub name: String,
    /// Who provides it.
    pub provider: String,
    /// Its directory.
    pub path: String,
}

/// Which stores to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::ImageStore>>,
    /// That serve this zone.
    pub zone: Option<Id<id::Zone>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
}

/// An image store with its zone's name.
pub type Named = (ImageStore, Option<String>);

/// How many match, and one page of them with their zones' names, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    let query = || {
        let mut query = image_store::table
            .left_join(zone::table.on(zone::id.nullable().eq(image_store::zone_id)))
            .filter(image_store::alive.eq(true))
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(image_store::id.eq(id));
        }
        if let Some(zone) = filter.zone {
            let serves =
                image_store::zone_id.is_null().or(image_store::zone_id.eq(zone).assume_not_null());
            query = query.filter(serves);
        }
        if let Some(name) = &filter.name {
            query = query.filter(image_store::name.eq(name));
        }
        if let Some(provider) = &filter.provider {
            query = query.filter(image_store::provider.eq(provider));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(image_store::name.like(like(word)));
        }
        query
    };
    let columns = (ImageStore::as_select(), zone::name.nullable());
    let rows = window.page(query().select(columns).order(image_store::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// The store that templates of this zone (`None`: of all zones) go to, if there is one.
pub fn for_zone(conn: &mut Conn, zone: Option<Id<id::Zone>>) -> Result<Option<ImageStore>> {
    let filter = Filter { zone, ..Filter::default() };
    let (_, rows) = list(conn, &filter, &Window::ALL)?;
    let fits = |store: &ImageStore| store.zone_id.is_none() || store.zone_id == zone;
    Ok(rows.into_iter().map(|(store, _)| store).find(fits))
}

/// Inserts a store. Error: invalid, when its name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &ImageStore) -> Result<()> {
    let outcome = insert_into(image_store::table).values(new).execute(&mut **tx);
    unless_taken(outcome, || format!("An image store with the name {} already exists", new.name))
        .map(drop)
}

/// Removes a store; its files stay. Error: in use, while a template is in it.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::ImageStore>) -> Result<()> {
    let uses = [("templates", "template WHERE store_id = {} AND removed IS NULL")];
    if let Some(what) = first_use(tx, id, &uses)? {
        return Err(Error::InUse(format!("Cannot delete image store with {what} in it")));
    }
    update(image_store::table.filter(image_store::id.eq(id)))
        .set((image_store::alive.eq(None::<bool>), image_store::removed.eq(clock().nullable())))
        .execute(&mut **tx)?;
    super::annotation::clear(tx, id)
}
