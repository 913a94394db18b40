//! `updateTemplate`: name, description and details.

use super::view::{TemplateView, one};
use crate::{
    command::{prelude::*, unmet::not_here},
    domain::identity::Reach,
    store::{detail, owner, template},
};

/// `updateTemplate`.
#[derive(Debug)]
pub(super) struct UpdateTemplate;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the description of the template
    #[param(max = 4096)]
    display_text: Option<String>,
    /// the ID of the template
    id: Id<id::Template>,
    /// the name of the template
    name: Option<String>,
    /// the ID of the OS type
    os_type_id: Option<Id<id::OsType>>,
    /// the details of the template, in place of those it has
    #[param(map = "first")]
    details: BTreeMap<String, String>,
    /// true to take all details away
    cleanup_details: Option<bool>,
    /// whether everyone may use the template
    is_public: Option<bool>,
    /// whether the template is shown first
    #[param(admin)]
    is_featured: Option<bool>,
    /// whether its file may be given out
    is_extractable: Option<bool>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What templates have elsewhere.
    NotHere {
        refused "passwordenabled" boolean "whether it takes a password, which none does";
        refused "forcks" boolean "whether Kubernetes clusters are made of it, of which there are none";
        refused "isrouting" boolean "whether routers are made of it, of which there are none";
        refused "templatetag" string "the tag of hosts that may run it: service offerings have hosttags";
        unused "arch" string "the architecture, which stays";
        unused "format" string "the format, which stays";
        unused "templatetype" string "the kind of template";
        unused "forceupdateostype" boolean "whether ostypeid changes at any cost";
        unused "bootable" boolean "whether it boots, which all do";
        unused "requireshvm" boolean "whether it needs a host with hardware virtualisation, which all are";
        unused "sshkeyenabled" boolean "whether it takes SSH keys, which all do";
        unused "isdynamicallyscalable" boolean "whether running instances may be scaled, which none may";
        unused "sortkey" integer "its place in lists";
    }
}

impl Command for UpdateTemplate {
    const SPEC: Spec = Spec {
        name: "updateTemplate",
        about: "Changes a template",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("TEMPLATE.UPDATE"),
    };
    type Request = Request;
    type Response = One<TemplateView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let view = cx
            .write(move |tx, caller| {
                let Request { id, os_type_id, is_public, is_featured, is_extractable, .. } =
                    request;
                let found = template::get(tx, id)?;
                may_change(tx, &found, caller)?;
                let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
                let changes = template::Changes {
                    name: some(&request.name),
                    display_text: some(&request.display_text),
                    os_type_id,
                    is_public,
                    is_featured,
                    is_extractable,
                    kind: None,
                };
                template::change(tx, id, &changes)?;
                if request.cleanup_details == Some(true) {
                    detail::clear(tx, id)?;
                } else if !request.details.is_empty() {
                    detail::set(tx, id, &request.details)?;
                }
                Ok((Some((Kind::Template, id.uuid())), one(tx, id)?))
            })
            .await?;
        Ok(One(view))
    }
}

/// A public template is visible to all and changed by its owner's side only.
pub(super) fn may_change(
    tx: &mut Tx<'_>,
    found: &template::Template,
    caller: &Caller,
) -> Result<()> {
    let is_own = owner::is_theirs(tx, caller, found.account_id)?;
    // others' templates that are not public are invisible, unless they are of the caller's domain or below it
    let is_below = matches!(caller.scope().reach(), Reach::Domain { .. }) && !found.is_public;
    if caller.is_admin() || is_own || is_below {
        return Ok(());
    }
    Err(Error::Forbidden(
        "Domain Admin and regular users can modify only their own Public templates".to_owned(),
    ))
}
