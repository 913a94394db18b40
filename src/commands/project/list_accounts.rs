//! `listProjectAccounts`: the members of a project.

use super::view::ProjectAccountView;
use crate::{
    command::{Inner, prelude::*, unknown_id},
    store::{project, project_role},
};

/// `listProjectAccounts`.
#[derive(Debug)]
pub(super) struct ListProjectAccounts;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the account
    account: Option<String>,
    /// the ID of the user
    #[param(name = "userid")]
    user_id: Option<Inner<id::User>>,
    /// Admin or Regular
    role: Option<String>,
    /// the ID of the role in the project
    #[param(name = "projectroleid")]
    project_role_id: Option<Inner<id::ProjectRole>>,
    #[param(group)]
    page: Page,
}

impl Command for ListProjectAccounts {
    const SPEC: Spec = Spec {
        name: "listProjectAccounts",
        about: "Lists the members of a project",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<ProjectAccountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { project_id, account, user_id, role, project_role_id, page } = request;
        let is_admin = role.map(|role| role.eq_ignore_ascii_case("admin"));
        let read = move |conn: &mut Conn| {
            let members = project::members(conn, &[project_id])?;
            let accounts: Vec<_> = members.iter().map(|member| member.account.0).collect();
            let users = project::first_users(conn, &accounts)?;
            if let Some(Inner(id)) = project_role_id
                && project_role::get(conn, project_id, id)?.is_none()
            {
                let command = "listProjectAccounts";
                return Err(unknown_id(command, "projectroleid", &id.to_string()));
            }
            Ok((project::get(conn, project_id)?, members, users))
        };
        let (project, members, users) = cx.db.read(read).await?;
        let is_of = |row: &project::Member, Inner(id): Inner<id::User>| match &row.user {
            Some((user, _)) => *user == id,
            None => users.iter().any(|(of, user, _)| *of == row.account.0 && *user == id),
        };
        if let Some(wanted) = user_id
            && !members.iter().any(|row| is_of(row, wanted))
        {
            return Err(unknown_id("listProjectAccounts", "userid", &wanted.0.to_string()));
        }
        let word = page.keyword.unwrap_or_default().to_lowercase();
        let rows: Vec<_> = members
            .into_iter()
            .filter(|row| {
                account.as_ref().is_none_or(|name| row.account.1.eq_ignore_ascii_case(name))
            })
            .filter(|row| is_admin.is_none_or(|is_admin| row.is_admin == is_admin))
            .filter(|row| row.account.1.to_lowercase().contains(&word))
            .filter(|row| user_id.is_none_or(|wanted| is_of(row, wanted)))
            .filter(|row| {
                let has = |Inner(id)| row.role.as_ref().is_some_and(|(role, _)| *role == id);
                project_role_id.is_none_or(has)
            })
            .map(|row| ProjectAccountView::new(row, project.name.clone(), &users))
            .collect();
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        Ok(List::page(count, rows.into_iter().skip(first).take(most).collect()))
    }
}
