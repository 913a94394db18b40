//! Which templates a list shows: CloudStack's filters, one row per zone.

use super::Template;
use crate::{
    domain::{Id, Kind, Time, id, infra::TemplateState},
    error::{Error, Result},
    store::{
        Conn, Window, like,
        owner::{OwnerName, Owners, owned_by, owner_name, with_owner},
        schema::{domain, os_type, template, zone},
        tag,
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    Queryable, RunQueryDsl, SelectableHelper, TextExpressionMethods, dsl::sql, sql_types::Bool,
};

/// A template with the names of what it belongs to, in one of its zones.
#[derive(Debug, Clone, Queryable)]
pub struct Named {
    /// The template.
    pub template: Template,
    /// When it was registered.
    pub created: Time,
    /// What is installed in it.
    pub os_type: String,
    /// Whose it is.
    pub owner: OwnerName,
    /// Its domain: name, path.
    pub domain: (String, String),
    /// The zone of this row: id, name.
    pub zone: Option<(Id<id::Zone>, String)>,
}

/// CloudStack's template filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Public and shown first.
    Featured,
    /// One's own.
    Own,
    /// One's own that are ready.
    OwnReady,
    /// Shared with one by name; there are none.
    Shared,
    /// One's own and public ones that are ready.
    Executable,
    /// Public and not shown first.
    Community,
    /// Everything.
    All,
}

/// Which templates to list.
#[derive(Debug, Clone)]
pub struct Filter {
    /// By this filter.
    pub wanted: Wanted,
    /// Whose are one's own.
    pub owners: Owners,
    /// Whether those that are not ready are shown, too, where the filter leaves it open.
    pub with_unready: bool,
    /// These; empty: all.
    pub ids: Vec<Id<id::Template>>,
    /// With this name.
    pub name: Option<String>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// For this hypervisor.
    pub hypervisor: Option<String>,
    /// Of this type.
    pub kind: Option<String>,
    /// Ready or not.
    pub is_ready: Option<bool>,
    /// Of this category of operating systems.
    pub os_category: Option<Id<id::OsCategory>>,
    /// For this architecture.
    pub arch: Option<String>,
    /// One row per template, whatever its zones.
    pub is_unique: bool,
    /// With one of these tags; empty: all.
    pub tags: Vec<(String, String)>,
}

impl Filter {
    /// This template, for those who need no permission.
    fn one(id: Id<id::Template>) -> Self {
        Self {
            wanted: Wanted::All,
            owners: Owners::All,
            with_unready: true,
            ids: vec![id],
            name: None,
            zone: None,
            hypervisor: None,
            kind: None,
            is_ready: None,
            os_category: None,
            arch: None,
            is_unique: true,
            tags: Vec::new(),
        }
    }
}

/// How many match, and one page of them, oldest first.
#[expect(clippy::too_many_lines, reason = "one filter after the other, nothing between them")]
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    if filter.wanted == Wanted::Shared {
        return Ok((0, Vec::new()));
    }
    let query = || {
        let zones = zone::alive.eq(true).assume_not_null().and(
            template::zone_id
                .is_null()
                .or(template::zone_id.eq(zone::id.nullable()).assume_not_null()),
        );
        let mut query = with_owner!(template::table, template)
            .inner_join(os_type::table.on(os_type::id.eq(template::os_type_id)))
            .inner_join(domain::table.on(domain::id.eq(template::domain_id)))
            .left_join(zone::table.on(zones))
            .into_boxed();
        // what is alternative comes first: what follows narrows it down
        query = match filter.wanted {
            Wanted::Featured | Wanted::Community => query
                .filter(template::is_public.eq(true))
                .filter(template::is_featured.eq(filter.wanted == Wanted::Featured)),
            Wanted::Own | Wanted::OwnReady => owned_by!(query, template, &filter.owners),
            Wanted::Executable if filter.owners != Owners::All => {
                owned_by!(query, template, &filter.owners).or_filter(template::is_public.eq(true))
            }
            Wanted::Executable | Wanted::All | Wanted::Shared => query,
        };
        query = query.filter(template::removed.is_null());
        let is_ready = match filter.wanted {
            Wanted::OwnReady | Wanted::Executable => Some(true),
            Wanted::Featured | Wanted::Community if !filter.with_unready => Some(true),
            _ => filter.is_ready,
        };
        if filter.is_unique {
            query = query.filter(sql::<Bool>(
                "(zone.id IS NULL OR template.zone_id IS NOT NULL OR zone.id = (SELECT MIN(z.id) FROM zone z WHERE z.alive = 1))",
            ));
        }
        if !filter.ids.is_empty() {
            query = query.filter(template::id.eq_any(&filter.ids));
        }
        if let Some(name) = &filter.name {
            query = query.filter(template::name.eq(name));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(zone::id.eq(zone));
        }
        if let Some(kind) = &filter.hypervisor {
            query = query.filter(template::hypervisor.eq(kind));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(template::kind.eq(kind));
        }
        if let Some(category) = filter.os_category {
            query = query.filter(os_type::category_id.eq(category));
        }
        if let Some(arch) = &filter.arch {
            query = query.filter(template::arch.eq(arch));
        }
        match is_ready {
            None => {}
            Some(true) => query = query.filter(template::state.eq(TemplateState::Ready)),
            Some(false) => query = query.filter(template::state.ne(TemplateState::Ready)),
        }
        if !filter.tags.is_empty() {
            query = query.filter(template::id.eq_any(tag::having(Kind::Template, &filter.tags)));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            let named = template::name.like(word.clone()).or(template::display_text.like(word));
            query = query.filter(named);
        }
        query
    };
    let columns = (
        Template::as_select(),
        template::created,
        os_type::name,
        owner_name!(),
        (domain::name, domain::path),
        (zone::id, zone::name).nullable(),
    );
    let order = (template::id, zone::id);
    let rows = window.page(query().select(columns).order(order), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One template with its names, whoever owns it. Error: not found.
pub fn named(conn: &mut Conn, id: Id<id::Template>) -> Result<Named> {
    let found = list(conn, &Filter::one(id), &Window::ALL)?.1.pop();
    found.ok_or_else(|| Error::NotFound { what: "template", id: id.to_string() })
}
