//! The `project` and `projectaccount` objects.

use crate::{
    command::prelude::*,
    commands::{
        limit::view::ProjectLimits,
        tag::view::{TagView, views as tag_views},
    },
    domain::identity::shown_path,
    store::{
        limit,
        project::{self, FirstUser, Member, Project},
        project_invitation::Invitation,
        tag,
    },
};

/// A project.
#[derive(Debug, View)]
#[view(object = "project")]
pub struct ProjectView {
    /// the ID of the project
    id: Id<id::Project>,
    /// the name of the project
    name: String,
    /// what the project is for
    display_text: String,
    /// the ID of the domain of the project
    domain_id: Id<id::Domain>,
    /// the name of the domain of the project
    domain: String,
    /// the accounts that may change the project
    owner: Vec<BTreeMap<String, String>>,
    /// the name of the account that owns what belongs to the project
    project_account_name: String,
    /// Active or Suspended
    state: &'static str,
    /// when the project was made
    created: Date,
    /// the tags of the project
    tags: Vec<TagView>,
    #[view(group)]
    limits: ProjectLimits,
}

/// Projects with their owners, as answers show them. Four statements more than their limits take.
pub(super) fn shown(conn: &mut Conn, projects: Vec<Project>) -> Result<Vec<ProjectView>> {
    let ids: Vec<_> = projects.iter().map(|project| project.id).collect();
    let members = project::members(conn, &ids)?;
    let admins: Vec<_> = members.into_iter().filter(|member| member.is_admin).collect();
    let accounts: Vec<_> = admins.iter().map(|member| member.account.0).collect();
    let users = project::first_users(conn, &accounts)?;
    let owner = |member: &Member| {
        let mut owner = BTreeMap::from([("account".to_owned(), member.account.1.clone())]);
        let first = users.iter().find(|(of, ..)| *of == member.account.0);
        let first = first.map(|(_, id, name)| (*id, name.clone()));
        if let Some((id, name)) = member.user.clone().or(first) {
            owner.insert("userid".to_owned(), id.to_string());
            owner.insert("user".to_owned(), name);
        }
        owner
    };
    let owners: Vec<_> = projects.iter().map(|project| project.account.0.uuid()).collect();
    let mut limits = limit::of_accounts(conn, &owners)?;
    let mut tags = tag::of(conn, &ids)?;
    let view = |project: Project| ProjectView {
        limits: limits.remove(&project.account.0.uuid()).unwrap_or_default().into(),
        id: project.id,
        name: project.name,
        display_text: project.display_text,
        domain_id: project.domain.0,
        domain: project.domain.1,
        owner: admins.iter().filter(|member| member.project == project.id).map(owner).collect(),
        project_account_name: project.account.1,
        state: if project.is_active { "Active" } else { "Suspended" },
        created: project.created.into(),
        tags: tag_views(tags.remove(&project.id)),
    };
    Ok(projects.into_iter().map(view).collect())
}

/// One project as answers show it.
pub(super) fn one(conn: &mut Conn, id: Id<id::Project>) -> Result<ProjectView> {
    let found = project::get(conn, id)?;
    let view = shown(conn, vec![found])?.pop();
    view.ok_or_else(|| Error::internal("a project without a view"))
}

/// A member of a project.
#[derive(Debug, View)]
#[view(object = "projectaccount")]
pub struct ProjectAccountView {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the project
    project: String,
    /// the ID of the account
    account_id: Id<id::Account>,
    /// the name of the account
    account: String,
    /// the name of the user, if not the whole account is a member
    username: Option<String>,
    /// the ID of the user, if not the whole account is a member
    user_id: Option<Id<id::User>>,
    /// the ID of the role that limits the member in the project
    #[view(name = "projectroleid")]
    project_role_id: Option<Id<id::ProjectRole>>,
    /// Admin or Regular
    role: &'static str,
    /// the ID of the domain of the account
    domain_id: Id<id::Domain>,
    /// the name of the domain of the account
    domain: String,
    /// the path of the domain of the account
    domain_path: String,
    /// the users of the account, if the whole account is a member
    user: Option<Vec<BTreeMap<String, String>>>,
}

impl ProjectAccountView {
    /// A member of the project of this name, with the users of its account.
    pub fn new(member: Member, project: String, users: &[FirstUser]) -> Self {
        let user = |(_, id, name): &FirstUser| {
            BTreeMap::from([("id".into(), id.to_string()), ("username".into(), name.clone())])
        };
        let of_account = users.iter().filter(|(of, ..)| *of == member.account.0).map(user);
        let of_account = member.user.is_none().then(|| of_account.collect());
        let (user_id, username) = member.user.unzip();
        Self {
            project_id: member.project,
            project,
            account_id: member.account.0,
            account: member.account.1,
            role: if member.is_admin { "Admin" } else { "Regular" },
            domain_id: member.domain.0,
            domain: member.domain.1,
            domain_path: shown_path(&member.domain.2),
            username,
            user_id,
            project_role_id: member.role.map(|(id, _)| id),
            user: of_account,
        }
    }
}

/// An invitation to a project.
#[derive(Debug, View)]
#[view(object = "projectinvitation")]
pub struct ProjectInvitationView {
    /// the ID of the invitation
    id: Id<id::ProjectInvitation>,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the project
    project: String,
    /// the ID of the domain of the account
    domain_id: Id<id::Domain>,
    /// the ID of the user, if not the whole account is invited
    user_id: Option<Id<id::User>>,
    /// the name of the domain of the account
    domain: String,
    /// the path of the domain of the account
    domain_path: String,
    /// the name of the account that is invited
    account: String,
    /// Pending, Completed, Expired or Declined
    state: String,
}

impl From<Invitation> for ProjectInvitationView {
    fn from(row: Invitation) -> Self {
        Self {
            id: row.id,
            state: row.state().to_string(),
            project_id: row.project.0,
            project: row.project.1,
            domain_id: row.domain.0,
            user_id: row.user,
            domain: row.domain.1,
            domain_path: shown_path(&row.domain.2),
            account: row.account.1,
        }
    }
}
