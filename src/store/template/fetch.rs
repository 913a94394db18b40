//! Templates whose files are being fetched: by one server at a time, under a lease.

use super::{Template, owner};
use crate::{
    domain::{Id, id, identity::RoleType, infra::TemplateState, resource::Resource},
    error::Result,
    store::{
        Conn, Tx, clock, limit,
        schema::{account, image_store, role, template},
        usage,
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper, dsl::sql, sql_types::Datetime,
    sql_types::Nullable, update,
};

/// A file to fetch.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// For this template.
    pub template: Template,
    /// The directory of its image store, unless it is the service's own.
    pub directory: Option<String>,
    /// Whether its owner is a root administrator, who may name any address.
    pub by_root: bool,
}

/// Takes one template that waits for its file and that no living server fetches.
pub fn claim(tx: &mut Tx<'_>, server: Id<id::Server>, seconds: u32) -> Result<Option<Fetch>> {
    type Row = (Template, Option<String>, RoleType);
    let row: Option<Row> = template::table
        .inner_join(account::table.on(account::id.eq(template::account_id)))
        .inner_join(role::table.on(role::id.eq(account::role_id)))
        .left_join(image_store::table.on(image_store::id.nullable().eq(template::store_id)))
        .filter(template::state.eq(TemplateState::Downloading))
        .filter(template::removed.is_null())
        .filter(
            template::lease_until
                .is_null()
                .or(template::lease_until.lt(clock().nullable()).assume_not_null()),
        )
        .order(template::id)
        .select((Template::as_select(), image_store::path.nullable(), role::kind))
        .first(&mut **tx)
        .optional()?;
    let Some((found, directory, kind)) = row else { return Ok(None) };
    let free = template::lease_until
        .is_null()
        .or(template::lease_until.lt(clock().nullable()).assume_not_null());
    let won = update(template::table.filter(template::id.eq(found.id)).filter(free))
        .set((template::lease_owner.eq(server), template::lease_until.eq(until(seconds))))
        .execute(&mut **tx)?;
    let by_root = kind == RoleType::Admin;
    Ok((won == 1).then_some(Fetch { template: found, directory, by_root }))
}

fn until(seconds: u32) -> diesel::expression::SqlLiteral<Nullable<Datetime>> {
    sql(&format!("UTC_TIMESTAMP(6) + INTERVAL {seconds} SECOND"))
}

/// Records how far a file is and keeps the lease; `false`: the template is gone, or another server has taken it.
pub fn progress(
    tx: &mut Tx<'_>,
    id: Id<id::Template>,
    server: Id<id::Server>,
    (percent, status): (i32, &str),
    seconds: u32,
) -> Result<bool> {
    let mine = template::table
        .filter(template::id.eq(id))
        .filter(template::removed.is_null())
        .filter(template::state.eq(TemplateState::Downloading))
        .filter(template::lease_owner.eq(server));
    let kept = update(mine)
        .set((
            template::percent.eq(percent),
            template::status.eq(status),
            template::lease_until.eq(until(seconds)),
        ))
        .execute(&mut **tx)?;
    Ok(kept == 1)
}

/// The file is there and good, and counts against its owner's limits, which it may pass: nobody knew its size before;
/// `false`: nobody wants it any more.
pub fn ready(
    tx: &mut Tx<'_>,
    id: Id<id::Template>,
    file: &str,
    (size, virtual_size): (u64, u64),
) -> Result<bool> {
    let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
    let Some(before) = template::table
        .filter(template::id.eq(id))
        .filter(template::removed.is_null())
        .filter(template::state.eq(TemplateState::Downloading))
        .select(Template::as_select())
        .for_update()
        .first(&mut **tx)
        .optional()?
    else {
        return Ok(false);
    };
    let growth = before.size - number(size);
    let growth = vec![(Resource::SecondaryStorage, limit::Amount::Of(growth))];
    limit::free(tx, owner(&before), &growth)?;
    let waiting = template::table
        .filter(template::id.eq(id))
        .filter(template::removed.is_null())
        .filter(template::state.eq(TemplateState::Downloading));
    let changed = update(waiting)
        .set((
            template::state.eq(TemplateState::Ready),
            template::status.eq("Download Complete"),
            template::percent.eq(100),
            template::file.eq(file),
            template::size.eq(number(size)),
            template::virtual_size.eq(number(virtual_size)),
            template::lease_owner.eq(None::<Id<id::Server>>),
            template::lease_until.eq(None::<crate::domain::Time>),
        ))
        .execute(&mut **tx)?;
    usage::begin_template(tx, id)?;
    Ok(changed == 1)
}

/// The file cannot be had, or is not good.
pub fn fail(tx: &mut Tx<'_>, id: Id<id::Template>, why: &str) -> Result<()> {
    let why: String = why.chars().take(1000).collect();
    let waiting = template::table
        .filter(template::id.eq(id))
        .filter(template::state.eq(TemplateState::Downloading));
    update(waiting)
        .set((
            template::state.eq(TemplateState::Failed),
            template::status.eq(why),
            template::lease_owner.eq(None::<Id<id::Server>>),
            template::lease_until.eq(None::<crate::domain::Time>),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Whether any template waits for its file. One statement.
pub fn is_wanted(conn: &mut Conn) -> Result<bool> {
    let waiting = template::table
        .filter(template::state.eq(TemplateState::Downloading))
        .filter(template::removed.is_null())
        .filter(
            template::lease_until
                .is_null()
                .or(template::lease_until.lt(clock().nullable()).assume_not_null()),
        );
    Ok(waiting.select(template::id).first::<String>(conn).optional()?.is_some())
}
