//! `listAccounts`: the accounts that the caller may see, with their users.

use super::view::AccountView;
use crate::{
    command::prelude::*,
    commands::user::view::UserView,
    domain::identity::RoleType,
    store::{Window, identity, limit, user},
};

/// `listAccounts`.
#[derive(Debug)]
pub(super) struct ListAccounts;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the type of the account: 0 user, 1 root admin, 2 domain admin
    account_type: Option<i32>,
    /// the ID of the account
    id: Option<Id<id::Account>>,
    /// the name of the account
    name: Option<String>,
    /// whether to list everything the caller may see
    list_all: Option<bool>,
    /// list only accounts of this domain
    domain_id: Option<Id<id::Domain>>,
    #[param(group)]
    page: Page,
}

impl Command for ListAccounts {
    const SPEC: Spec = Spec {
        name: "listAccounts",
        about: "Lists accounts with their users",
        since: "3.0.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = List<AccountView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { account_type, id, name, list_all, domain_id, page } = request;
        let everything = list_all.unwrap_or(false) || domain_id.is_some() || id.is_some();
        let scope = cx.caller.list_scope(everything);
        let kind = account_type.and_then(|number| {
            RoleType::ALL.iter().copied().find(|kind| kind.account_type() == number)
        });
        let filter = identity::AccountFilter { id, name, kind, domain: domain_id };
        let window = page.window();
        let (count, accounts, users, mut limits) = cx
            .db
            .read(move |conn| {
                let (count, accounts) = identity::accounts(conn, &scope, &filter, &window)?;
                let ids: Vec<_> = accounts.iter().map(|account| account.id).collect();
                let owners: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
                let filter = user::Filter { accounts: Some(ids), ..Default::default() };
                let (_, users) = user::list(conn, &scope, &filter, &Window::ALL)?;
                Ok((count, accounts, users, limit::of_accounts(conn, &owners)?))
            })
            .await?;
        let mut by_account: BTreeMap<_, Vec<UserView>> = BTreeMap::new();
        for user in users {
            by_account.entry(user.account.0).or_default().push(user.into());
        }
        let view = |account: identity::Account| {
            let users = by_account.remove(&account.id).unwrap_or_default();
            let limits = limits.remove(&account.id.uuid()).unwrap_or_default();
            AccountView::new(account, users, limits.into())
        };
        Ok(List::page(count, accounts.into_iter().map(view).collect()))
    }
}
