//! A template's copies in pools.

use crate::{
    domain::{Id, id, infra::PoolKind},
    error::Result,
    store::{
        Conn, Tx,
        schema::{storage_pool, template_copy, volume},
    },
};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, delete, dsl::exists, dsl::not,
    replace_into,
};

crate::text_enum! {
    /// Whether a copy can be used.
    CopyState {
        /// It is being made.
        Uploading,
        /// It is whole.
        Ready,
    }
}

/// Whether a pool has a template; `None`: nothing of it.
pub fn copy_state(
    conn: &mut Conn,
    template: Id<id::Template>,
    pool: Id<id::StoragePool>,
) -> Result<Option<CopyState>> {
    let found: Option<String> = template_copy::table
        .filter(template_copy::template_id.eq(template))
        .filter(template_copy::pool_id.eq(pool))
        .select(template_copy::state)
        .first(conn)
        .optional()?;
    Ok(found.and_then(|text| text.parse().ok()))
}

/// Records that a pool has, or gets, a template.
pub fn record_copy(
    tx: &mut Tx<'_>,
    template: Id<id::Template>,
    pool: Id<id::StoragePool>,
    state: CopyState,
) -> Result<()> {
    replace_into(template_copy::table)
        .values((
            template_copy::template_id.eq(template),
            template_copy::pool_id.eq(pool),
            template_copy::state.eq(state.as_str()),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// A pool with a copy: what names it on its hosts, and where those are.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Copy {
    /// The pool.
    pub pool: Id<id::StoragePool>,
    /// What it is made of.
    pub kind: PoolKind,
    /// Its path.
    pub path: String,
    /// Its host.
    pub host: Option<Id<id::Host>>,
    /// Its cluster.
    pub cluster: Option<Id<id::Cluster>>,
}

/// The pools that have copies which no disk lies on: those can go.
pub fn copies(conn: &mut Conn, template: Id<id::Template>) -> Result<Vec<Copy>> {
    let disks = volume::table
        .filter(volume::template_id.eq(template))
        .filter(volume::removed.is_null())
        .filter(
            volume::pool_id.eq(diesel::NullableExpressionMethods::nullable(template_copy::pool_id)),
        );
    Ok(template_copy::table
        .inner_join(diesel::JoinOnDsl::on(
            storage_pool::table,
            storage_pool::id.eq(template_copy::pool_id),
        ))
        .filter(template_copy::template_id.eq(template))
        .filter(not(exists(disks)))
        .select((
            storage_pool::id,
            storage_pool::kind,
            storage_pool::path,
            storage_pool::host_id,
            storage_pool::cluster_id,
        ))
        .load(conn)?)
}

/// A copy is gone.
pub fn forget_copy(
    tx: &mut Tx<'_>,
    template: Id<id::Template>,
    pool: Id<id::StoragePool>,
) -> Result<()> {
    let copy = template_copy::table
        .filter(template_copy::template_id.eq(template))
        .filter(template_copy::pool_id.eq(pool));
    delete(copy).execute(&mut **tx)?;
    Ok(())
}

/// A host has lost what was in its own pools: nothing is copied there any more.
pub fn forget_copies_on(tx: &mut Tx<'_>, host: Id<id::Host>) -> Result<()> {
    let pools = storage_pool::table.filter(storage_pool::host_id.eq(host)).select(storage_pool::id);
    delete(template_copy::table.filter(template_copy::pool_id.eq_any(pools))).execute(&mut **tx)?;
    Ok(())
}
