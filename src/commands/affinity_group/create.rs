//! `createAffinityGroup`: a group, as yet without instances.

use super::view::AffinityGroupView;
use crate::{
    command::prelude::*,
    domain::affinity::GroupKind,
    store::{affinity_group, owner},
};

/// `createAffinityGroup`.
#[derive(Debug)]
pub(super) struct CreateAffinityGroup;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the account that will own the affinity group; needs domainid
    account: Option<String>,
    /// the ID of the owner's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that will own it
    project_id: Option<Id<id::Project>>,
    /// what the affinity group is for
    description: Option<String>,
    /// the name of the affinity group, unique in its account
    name: String,
    /// the type, as listAffinityGroupTypes has it
    r#type: String,
}

impl ImmediateCommand for CreateAffinityGroup {
    const SPEC: Spec = Spec {
        name: "createAffinityGroup",
        about: "Creates an affinity group",
        since: "4.2.0",
        roles: Role::EVERYONE,
        event: Some("AG.CREATE"),
    };
    type Request = Request;
    type Subject = id::AffinityGroup;
    type Response = One<AffinityGroupView>;

    fn change(
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Request,
    ) -> Result<Changed<id::AffinityGroup>> {
        let Request { account, domain_id, project_id, description, name, r#type } = request;
        let kind = kind(r#type)?;
        if name.trim().is_empty() {
            return Err(Error::invalid("an affinity group needs a name"));
        }
        if domain_id.is_some() && account.is_none() && project_id.is_none() {
            return Err(Error::Invalid(match caller.is_admin() {
                true => format!(
                    "Unable to create affinity group, account name is needed. Affinity group type {kind} cannot be shared domain wide"
                ),
                false => {
                    "Unable to create affinity group, account name must be passed with the domainId"
                        .to_owned()
                }
            }));
        }
        let owner = owner::designate(tx, caller, (account.as_deref(), *domain_id, *project_id))?;
        let id = Id::mint();
        let new = affinity_group::New {
            id,
            account_id: owner.account,
            domain_id: owner.domain,
            name: name.clone(),
            description: description.clone(),
            kind: kind.as_str(),
        };
        affinity_group::insert(tx, &new)?;
        Ok(Changed::created(id))
    }

    async fn tell(cx: &Cx, id: Id<id::AffinityGroup>) -> Result<One<AffinityGroupView>> {
        Ok(One(cx.db.read(move |conn| affinity_group::one(conn, id)).await?.into()))
    }
}

fn kind(text: &str) -> Result<GroupKind> {
    text.parse().map_err(|()| {
        let all: Vec<&str> = GroupKind::ALL.iter().map(|kind| kind.as_str()).collect();
        Error::Invalid(format!(
            "Unable to create affinity group, invalid affinity group type: {text}. Valid values are {}",
            all.join(",")
        ))
    })
}
