//! `createProject`: an account that others share; whoever makes it may change it.

use super::view::{ProjectView, one};
use crate::{
    command::prelude::*,
    store::{
        owner::{self, Owner},
        project, user,
    },
};

/// `createProject`.
#[derive(Debug)]
pub(super) struct CreateProject;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of the project, unique in its domain
    name: String,
    /// what the project is for; its name when not given
    #[param(name = "displaytext")]
    display_text: Option<String>,
    /// the account that may change the project; the caller's when not given
    account: Option<String>,
    /// the ID of the domain of that account
    domain_id: Option<Id<id::Domain>>,
    /// the user who alone may change the project, must be used with the ID of its account or domain
    #[param(since = "4.15.0")]
    user_id: Option<Id<id::User>>,
    /// the ID of the account that may change the project, or of which the user is
    account_id: Option<Id<id::Account>>,
}

impl ImmediateCommand for CreateProject {
    const SPEC: Spec = Spec {
        name: "createProject",
        about: "Creates a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: Some("PROJECT.CREATE"),
    };
    type Request = Request;
    type Subject = id::Project;
    type Response = One<ProjectView>;

    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Changed<id::Project>> {
        let Request { name, display_text, .. } = request;
        if name.trim().is_empty() {
            return Err(Error::invalid("a project needs a name"));
        }
        let owner = owner(tx, caller, request)?;
        let id = Id::mint();
        let text = display_text.as_deref().unwrap_or(name);
        project::insert(tx, id, (name, text), (owner.account, owner.domain), request.user_id)?;
        Ok(Changed::created(id))
    }

    async fn tell(cx: &Cx, id: Id<id::Project>) -> Result<One<ProjectView>> {
        Ok(One(cx.db.read(move |conn| one(conn, id)).await?))
    }
}

/// Whose project it becomes: that of a user's account, of an account by its id or name, or the caller's.
fn owner(tx: &mut Tx<'_>, caller: &Caller, request: &Request) -> Result<Owner> {
    let Request { account, domain_id, user_id, account_id, .. } = request;
    if (user_id.is_some() || account_id.is_some()) && account.is_some() {
        return Err(Error::invalid("name the account, or give IDs, but not both"));
    }
    let named = match (user_id, account_id) {
        (None, None) => (account.clone(), *domain_id),
        (None, Some(id)) => {
            let (name, home) = owner::named(tx, *id)?;
            (Some(name), Some(home))
        }
        (Some(_), None) if domain_id.is_none() => {
            return Err(Error::invalid("Domain ID and account ID must be provided with User ID"));
        }
        (Some(id), _) => {
            let found = user::get(tx, *id)?;
            let is_there = account_id.is_none_or(|id| id == found.account.0)
                && domain_id.is_none_or(|id| id == found.domain.0);
            if !is_there {
                return Err(Error::Invalid(format!(
                    "user {} is not of the account or domain that is named",
                    found.username
                )));
            }
            (Some(found.account.1), Some(found.domain.0))
        }
    };
    owner::designate(tx, caller, (named.0.as_deref(), named.1, None))
}
