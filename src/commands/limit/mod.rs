//! Limits: what accounts and domains may have at most, and what they have.
//!
//! The counts are kept with every change of what is counted (`store::limit`); `updateResourceCount` counts again and
//! must find the same.

mod count;
mod list;
mod update;
pub mod view;

use crate::{
    command::{Entry, prelude::*, sync},
    domain::resource::Resource,
    store::{
        identity,
        limit::{Standing, Standings},
        owner, project,
    },
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[
    sync::<list::ListResourceLimits>(),
    sync::<update::UpdateResourceLimit>(),
    sync::<count::UpdateResourceCount>(),
];

/// Whose limits a request is about.
#[derive(Debug, Clone)]
struct Subject {
    /// The account; none: the domain as a whole.
    account: Option<(Id<id::Account>, String)>,
    /// The project that the account stands for.
    project: Option<(Id<id::Project>, String)>,
    /// The domain, or that of the account.
    domain: identity::Domain,
}

impl Subject {
    /// The name of the account, unless it stands for a project.
    fn account_name(&self) -> Option<String> {
        let account = self.account.as_ref().filter(|_| self.project.is_none());
        account.map(|(_, name)| name.clone())
    }
}

/// The project; the kernel has seen that the caller may name it.
fn of_project(conn: &mut Conn, id: Id<id::Project>) -> Result<Subject> {
    let found = project::get(conn, id)?;
    let home = identity::domain(conn, found.domain.0)?
        .ok_or_else(|| Error::NotFound { what: "domain", id: found.domain.0.to_string() })?;
    Ok(Subject { account: Some(found.account), project: Some((id, found.name)), domain: home })
}

/// The account of this name in the domain, or the domain; the kernel has seen that the caller may name it.
fn subject(
    conn: &mut Conn,
    caller: &Caller,
    account: Option<&str>,
    domain: Option<Id<id::Domain>>,
) -> Result<Subject> {
    let home = domain.unwrap_or(caller.domain);
    let found = identity::domain(conn, home)?
        .ok_or_else(|| Error::NotFound { what: "domain", id: home.to_string() })?;
    let account = match account {
        None => None,
        Some(name) => {
            let owner = owner::designate(conn, caller, (Some(name), Some(home), None))?;
            Some((owner.account, name.to_owned()))
        }
    };
    Ok(Subject { account, project: None, domain: found })
}

/// The resource of this number.
fn resource(number: i32) -> Result<Resource> {
    Resource::of_number(number).ok_or_else(|| Error::invalid("Please specify valid resource type"))
}

/// What an owner has of one resource or of all: as a whole, then of what asks for tags; for one tag, only that.
fn rows<'a>(
    of: &'a Standings,
    only: Option<Resource>,
    tag: Option<&'a str>,
) -> impl Iterator<Item = (&'a Standing, Option<&'a str>)> {
    let whole = of.all.iter().filter(move |_| tag.is_none()).map(|standing| (standing, None));
    let is_asked = move |of: &str| tag.is_none_or(|tag| tag.eq_ignore_ascii_case(of));
    let tagged = of.tagged.iter().filter(move |of| is_asked(&of.tag));
    whole
        .chain(tagged.map(|of| (&of.standing, Some(of.tag.as_str()))))
        .filter(move |(standing, _)| only.is_none_or(|only| standing.resource == only))
}
