//! `updateResourceLimit`: how much an account or a domain may have at most.

use super::{Subject, of_project, resource, subject, view::ResourceLimitView};
use crate::{
    command::prelude::*,
    domain::{
        identity::RoleType,
        resource::{Resource, TagScope},
    },
    store::{identity, limit, seed},
};

/// `updateResourceLimit`.
#[derive(Debug)]
pub(super) struct UpdateResourceLimit;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the name of the account; needs domainid
    account: Option<String>,
    /// the ID of the domain, or of the account's domain
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project
    project_id: Option<Id<id::Project>>,
    /// the most there may be, storage in GiB; -1 or nothing: no limit
    max: Option<i64>,
    /// the number of the resource type: 0 instance, 2 volume, 4 template, 6 network, 8 CPU, 9 memory, 10 primary
    /// storage, 11 secondary storage, 16 GPU, 116 memory of GPUs, ..
    resource_type: i32,
    /// the tag, for a limit of what asks for it
    #[param(since = "4.20.0")]
    tag: Option<String>,
}

impl Command for UpdateResourceLimit {
    const SPEC: Spec = Spec {
        name: "updateResourceLimit",
        about: "Sets how much an account or a domain may have at most",
        since: "0.1",
        roles: Role::ADMINS,
        event: Some("RESOURCE.LIMIT.UPDATE"),
    };
    type Request = Request;
    type Response = One<ResourceLimitView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let kind = resource(request.resource_type)?;
        let max = request.max.unwrap_or(-1);
        if max < -1 {
            return Err(Error::invalid(
                "Please specify either '-1' for an infinite limit, or a limit that is at least '0'.",
            ));
        }
        if request.account.is_some() && request.domain_id.is_none() {
            return Err(Error::invalid("Account must be specified with domainId parameter"));
        }
        let tag = request.tag.clone().filter(|tag| !tag.is_empty());
        if tag.is_some() && kind.tagged_by().is_none() {
            return Err(Error::Invalid(format!(
                "Resource limit with a tag is not supported for resource type {}",
                kind.number()
            )));
        }
        let max = if max < 0 { -1 } else { max.saturating_mul(kind.unit()) };
        let told = tag.clone();
        let (of, standing) = cx
            .write(move |tx, caller| {
                let of = match request.project_id {
                    Some(_) if request.account.is_some() => {
                        return Err(Error::invalid(
                            "Account and projectId can't be specified together",
                        ));
                    }
                    Some(id) => of_project(tx, id)?,
                    None => subject(tx, caller, request.account.as_deref(), request.domain_id)?,
                };
                let is_named = request.account.is_some()
                    || request.domain_id.is_some()
                    || request.project_id.is_some();
                if !is_named {
                    return Err(Error::invalid(
                        "AccountId or domainId have to be specified in order to update resource limit",
                    ));
                }
                let (target, owner, what) = match &of.account {
                    Some((account, _)) => {
                        check_account(tx, caller, *account, max)?;
                        check_whole(tx, account.uuid(), (kind, tag.as_deref()), max)?;
                        (limit::Target::Account(*account), account.uuid(), Kind::Account)
                    }
                    None => {
                        check_domain(tx, caller, &of, (kind, tag.as_deref()), max)?;
                        let domain = of.domain.id;
                        check_whole(tx, domain.uuid(), (kind, tag.as_deref()), max)?;
                        (limit::Target::Domain(domain), domain.uuid(), Kind::Domain)
                    }
                };
                let number = tag.as_deref().map(|tag| number(tx, kind, tag)).transpose()?;
                limit::set(tx, target, (kind, number), max)?;
                let standing = limit::Standing { resource: kind, used: 0, max: (max >= 0).then_some(max) };
                Ok((Some((what, owner)), (of.clone(), standing)))
            })
            .await?;
        Ok(One(ResourceLimitView::new(&of, &standing, told.as_deref())))
    }
}

/// Nobody limits root administrators or the service itself, and no administrator of a domain the own account.
fn check_account(
    tx: &mut Tx<'_>,
    caller: &Caller,
    account: Id<id::Account>,
    max: i64,
) -> Result<()> {
    if account == seed::SYSTEM_ACCOUNT {
        return Err(Error::invalid("Can't update system account"));
    }
    let filter = identity::AccountFilter { id: Some(account), ..Default::default() };
    let (_, found) = identity::accounts(tx, &caller.scope(), &filter, &crate::store::Window::ALL)?;
    let is_root = found.iter().any(|account| account.role.2 == RoleType::Admin);
    if is_root && max != -1 {
        return Err(Error::invalid("Only -1 limit is supported for Root Admin accounts"));
    }
    if account == caller.account && !caller.is_admin() {
        return Err(Error::Forbidden(format!(
            "Unable to update resource limit for their own account {account}, permission denied"
        )));
    }
    Ok(())
}

/// ROOT has no limit, nobody limits the own domain, and no domain may have more than the one above it.
fn check_domain(
    tx: &mut Tx<'_>,
    caller: &Caller,
    of: &Subject,
    (kind, tag): (Resource, Option<&str>),
    max: i64,
) -> Result<()> {
    let domain = of.domain.id;
    if domain == seed::ROOT_DOMAIN {
        return Err(Error::Forbidden(format!(
            "Cannot update resource limit for ROOT domain {domain}, permission denied"
        )));
    }
    if domain == caller.domain && !caller.is_admin() {
        return Err(Error::Forbidden(format!(
            "Unable to update resource limit for domain {domain}, permission denied"
        )));
    }
    let Some(parent) = of.domain.parent_id else { return Ok(()) };
    let above = limit::standings(tx, &[parent.uuid()])?.remove(&parent.uuid()).unwrap_or_default();
    let most = super::rows(&above, Some(kind), tag).next().and_then(|(above, _)| above.max);
    match most {
        Some(most) if max > most => Err(Error::Invalid(format!(
            "Domain {}(id: {parent}) has maximum allowed resource limit {most} for {}, please specify a value less than or equal to {most}",
            of.domain.name,
            kind.name()
        ))),
        _ => Ok(()),
    }
}

/// The number of a tag that has limits.
fn number(conn: &mut Conn, kind: Resource, tag: &str) -> Result<i32> {
    let all = limit::tags(conn)?;
    let found = all.iter().find(|of| of.counts(kind) && of.name.eq_ignore_ascii_case(tag));
    found.map(|of| of.number).ok_or_else(|| {
        let setting = kind.tagged_by().map(TagScope::setting).unwrap_or_default();
        Error::Invalid(format!("{tag} is none of the tags that {setting} names"))
    })
}

/// What asks for a tag may not be more than the whole.
fn check_whole(
    conn: &mut Conn,
    owner: uuid::Uuid,
    (kind, tag): (Resource, Option<&str>),
    max: i64,
) -> Result<()> {
    if tag.is_none() {
        return Ok(());
    }
    let all = limit::standings(conn, &[owner])?.remove(&owner).unwrap_or_default().all;
    let whole = all.iter().find(|of| of.resource == kind).and_then(|of| of.max);
    match whole {
        Some(whole) if whole > 0 && max > whole => Err(Error::Invalid(format!(
            "Maximum untagged resource limit for resource type {} is {whole}, please specify a value less than or equal to that",
            kind.name()
        ))),
        _ => Ok(()),
    }
}
