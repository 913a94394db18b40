//! `listTemplates`: by CloudStack's filters, one row per template and zone.

use super::{
    view::{TemplateView, views},
    words::filter,
};
use crate::{
    command::{TagFilter, prelude::*},
    store::{
        owner::{self, Owners},
        template::{self, Wanted},
    },
};

/// `listTemplates`.
#[derive(Debug)]
pub(super) struct ListTemplates;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// what the template runs on
    hypervisor: Option<String>,
    /// the ID of the template
    id: Option<Id<id::Template>>,
    /// the IDs of the templates
    ids: Vec<Id<id::Template>>,
    /// the name of the template
    name: Option<String>,
    /// featured, self, selfexecutable, sharedexecutable, executable, community, or for root admins all
    #[param(name = "templatefilter")]
    template_filter: String,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// true to list each template once, whatever its zones
    show_unique: Option<bool>,
    /// which details to show; all are shown
    details: Vec<String>,
    /// the type of the template
    template_type: Option<String>,
    /// the CPU architecture
    arch: Option<String>,
    /// the ID of the OS category
    os_category_id: Option<Id<id::OsCategory>>,
    /// whether instances can be made of it
    is_ready: Option<bool>,
    #[param(group)]
    tags: TagFilter,
    #[param(group)]
    listing: Listing,
}

impl Command for ListTemplates {
    const SPEC: Spec = Spec {
        name: "listTemplates",
        about: "Lists the templates",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<TemplateView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let wanted = filter(&request.template_filter)?;
        let is_admin = cx.caller.is_admin();
        if wanted == Wanted::All && !is_admin {
            return Err(Error::invalid("Filter all can be specified by root admin only"));
        }
        let _ = &request.details;
        let caller = std::sync::Arc::clone(&cx.caller);
        let (count, views) = cx
            .db
            .read(move |conn| {
                let mut ids = request.ids.clone();
                ids.extend(request.id);
                let named = !ids.is_empty();
                let listing = &request.listing;
                let words = listing.wanted();
                // a root admin sees what everybody may execute as one's own
                let owners = match wanted {
                    Wanted::Executable
                        if is_admin && listing.account.is_none() && listing.project.is_none() =>
                    {
                        Owners::All
                    }
                    _ => owner::owners(conn, &caller, &words, named)?,
                };
                let filter = template::Filter {
                    wanted,
                    owners,
                    with_unready: is_admin,
                    ids,
                    name: request.name.clone(),
                    zone: request.zone_id,
                    hypervisor: request.hypervisor.clone(),
                    kind: request.template_type.clone(),
                    is_ready: request.is_ready,
                    os_category: request.os_category_id,
                    arch: request.arch.clone(),
                    is_unique: request.show_unique == Some(true),
                    tags: request.tags.0.clone(),
                };
                let (count, rows) = template::list(conn, &filter, &listing.page.window())?;
                Ok((count, views(conn, rows)?))
            })
            .await?;
        Ok(List::page(count, views))
    }
}
