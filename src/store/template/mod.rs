//! Templates: rows and queries.

mod copy;
mod fetch;
mod list;

pub use copy::{CopyState, copies, copy_state, forget_copies_on, forget_copy, record_copy};
pub use fetch::{Fetch, claim, fail, is_wanted, progress, ready};
pub use list::{Filter, Named, Wanted, list, named};

use super::{
    Conn, Tx, clock, detail, limit,
    owner::Owner,
    schema::{template, vm},
    tag, usage,
};
use crate::{
    domain::{
        Id, id,
        infra::{Hypervisor, ImageFormat, TemplateState},
        resource::Resource,
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, NullableExpressionMethods, OptionalExtension,
    QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper, insert_into, update,
};

/// A template.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = template)]
pub struct Template {
    /// Its id.
    pub id: Id<id::Template>,
    /// Its account.
    pub account_id: Id<id::Account>,
    /// Its domain.
    pub domain_id: Id<id::Domain>,
    /// The zone that it serves; `None`: all.
    pub zone_id: Option<Id<id::Zone>>,
    /// What is installed in it.
    pub os_type_id: Id<id::OsType>,
    /// The image store that its file is in; `None`: the service's own directory.
    pub store_id: Option<Id<id::ImageStore>>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub display_text: String,
    /// `USER`, `BUILTIN`, ..
    pub kind: String,
    /// The format of its file.
    pub format: ImageFormat,
    /// What it runs on.
    pub hypervisor: Hypervisor,
    /// Its CPU architecture.
    pub arch: String,
    /// Where its file comes from.
    pub url: Option<String>,
    /// What its file must hash to, as it was given.
    pub checksum: Option<String>,
    /// The size of its file in bytes.
    pub size: i64,
    /// The size of its disk in bytes.
    pub virtual_size: i64,
    /// Whether everyone may use it.
    pub is_public: bool,
    /// Whether it is shown first.
    pub is_featured: bool,
    /// Whether its file may be given out.
    pub is_extractable: bool,
    /// How far it is.
    pub state: TemplateState,
    /// The same in words.
    pub status: String,
    /// How much of its file is there, in percent.
    pub percent: i32,
    /// Its file: a name in the service's own directory, or a whole path.
    pub file: Option<String>,
}

/// What to change of a template.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = template)]
#[expect(missing_docs, reason = "the fields of a template")]
pub struct Changes {
    pub name: Option<String>,
    pub display_text: Option<String>,
    pub os_type_id: Option<Id<id::OsType>>,
    pub is_public: Option<bool>,
    pub is_featured: Option<bool>,
    pub is_extractable: Option<bool>,
    pub kind: Option<String>,
}

/// One template. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::Template>) -> Result<Template> {
    let query = template::table.filter(template::id.eq(id)).filter(template::removed.is_null());
    let found = query.select(Template::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "template", id: id.to_string() })
}

/// Inserts a template with its details.
pub fn insert(tx: &mut Tx<'_>, new: &Template, details: &detail::Details) -> Result<()> {
    insert_into(template::table).values(new).execute(&mut **tx)?;
    detail::put(tx, new.id, details)?;
    limit::charge(tx, owner(new), &bill(new.size))
}

/// Whose limits a template counts against.
pub(super) fn owner(of: &Template) -> Owner {
    Owner { account: of.account_id, domain: of.domain_id }
}

/// What a template counts: itself and its file.
fn bill(size: i64) -> limit::Bill {
    vec![
        (Resource::Template, limit::Amount::Of(1)),
        (Resource::SecondaryStorage, limit::Amount::Of(size)),
    ]
}

/// Changes a template.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Template>, changes: &Changes) -> Result<()> {
    let changes = (changes, template::id.eq(id)); // so that there is always something to set
    update(template::table.filter(template::id.eq(id))).set(changes).execute(&mut **tx)?;
    Ok(())
}

/// Removes a template. Error: in use, while instances are made of it, unless forced.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::Template>, forced: bool) -> Result<Template> {
    let query = template::table.filter(template::id.eq(id)).for_update();
    query.select(template::id).first::<String>(&mut **tx).optional()?;
    let found = get(tx, id)?;
    let users: Vec<Id<id::Vm>> = vm::table
        .filter(vm::template_id.eq(id))
        .filter(vm::removed.is_null())
        .select(vm::id)
        .limit(10)
        .load(&mut **tx)?;
    if !users.is_empty() && !forced {
        let users: Vec<String> = users.iter().map(ToString::to_string).collect();
        return Err(Error::InUse(format!(
            "Unable to delete template with id: {id} because VM instances: [{}] are using it.",
            users.join(", ")
        )));
    }
    update(template::table.filter(template::id.eq(id)))
        .set(template::removed.eq(clock().nullable()))
        .execute(&mut **tx)?;
    detail::clear(tx, id)?;
    tag::clear(tx, id)?;
    super::annotation::clear(tx, id)?;
    limit::free(tx, owner(&found), &bill(found.size))?;
    usage::end(tx, &[usage::Usage::Template], id)?;
    Ok(found)
}
