//! `listProjectAccounts`: the members of a project.

use super::view::ProjectAccountView;
use crate::{command::prelude::*, store::project};

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
    /// Admin or Regular
    role: Option<String>,
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
        let Request { project_id, account, role, page } = request;
        let is_admin = role.map(|role| role.eq_ignore_ascii_case("admin"));
        let read = move |conn: &mut Conn| {
            Ok((project::get(conn, project_id)?, project::members(conn, &[project_id])?))
        };
        let (project, members) = cx.db.read(read).await?;
        let word = page.keyword.unwrap_or_default().to_lowercase();
        let rows: Vec<_> = members
            .into_iter()
            .filter(|row| {
                account.as_ref().is_none_or(|name| row.account.1.eq_ignore_ascii_case(name))
            })
            .filter(|row| is_admin.is_none_or(|is_admin| row.is_admin == is_admin))
            .filter(|row| row.account.1.to_lowercase().contains(&word))
            .map(|row| ProjectAccountView::new(row, project.name.clone()))
            .collect();
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        Ok(List::page(count, rows.into_iter().skip(first).take(most).collect()))
    }
}
