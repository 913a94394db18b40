//! Invitations to projects: of an account or of one of its users, pending until they are answered or over.

use super::{
    Conn, Tx, Window, clock, escape_like,
    owner::{self, Wanted, owned_by},
    schema::{account, domain, project, project_invitation, user},
};
use crate::{
    domain::{
        Id, id,
        identity::{Caller, InvitationState, Reach},
    },
    error::{Error, Result},
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, Queryable, RunQueryDsl, TextExpressionMethods, delete, dsl::sql,
    insert_into, sql_types::Datetime, update,
};

/// An invitation.
#[derive(Debug, Clone, Queryable)]
pub struct Invitation {
    /// Its id.
    pub id: Id<id::ProjectInvitation>,
    /// What was answered.
    pub state: InvitationState,
    is_over: bool,
    /// The project: id, name.
    pub project: (Id<id::Project>, String),
    /// The account: id, name.
    pub account: (Id<id::Account>, String),
    /// Its domain: id, name, path.
    pub domain: (Id<id::Domain>, String, String),
    /// The user; none when all users of the account are invited.
    pub user: Option<Id<id::User>>,
    /// Whether who accepts it may change the project.
    pub is_admin: bool,
    /// The role that will limit who accepts it.
    pub role: Option<Id<id::ProjectRole>>,
}

impl Invitation {
    /// What became of it.
    pub fn state(&self) -> InvitationState {
        match self.state {
            InvitationState::Pending if self.is_over => InvitationState::Expired,
            state => state,
        }
    }
}

/// Who is invited.
#[derive(Debug, Clone, Copy)]
pub struct Invitee {
    /// The account.
    pub account: Id<id::Account>,
    /// The one of its users who is.
    pub user: Option<Id<id::User>>,
}

impl Invitee {
    fn text(self) -> String {
        self.user.map_or_else(|| self.account.to_string(), |user| user.to_string())
    }
}

/// Which invitations to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::ProjectInvitation>>,
    /// To this project.
    pub project: Option<Id<id::Project>>,
    /// Of this user.
    pub user: Option<Id<id::User>>,
    /// Of which this became.
    pub state: Option<InvitationState>,
}

/// Invitations with their projects and accounts.
macro_rules! invitations {
    () => {
        project_invitation::table
            .inner_join(project::table.on(project::id.eq(project_invitation::project_id)))
            .inner_join(account::table.on(account::id.eq(project_invitation::account_id)))
            .inner_join(domain::table.on(domain::id.eq(project_invitation::domain_id)))
    };
}

/// Everything an [`Invitation`] is made of.
macro_rules! columns {
    () => {
        (
            project_invitation::id,
            project_invitation::state,
            project_invitation::expires.le(clock()),
            (project::id, project::name),
            (account::id, account::name),
            (domain::id, domain::name, domain::path),
            project_invitation::user_id,
            project_invitation::is_admin,
            project_invitation::role_id,
        )
    };
}

/// The invitations that the caller sees, oldest first: its own; those that the words about owners mean; or, asked for by id
/// or project, those of all accounts in its reach and of all projects that it may change.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    (filter, wanted): (&Filter, &Wanted),
    window: &Window,
) -> Result<(i64, Vec<Invitation>)> {
    let is_named = filter.id.is_some() || filter.project.is_some();
    let owners = match is_named && wanted.account.is_none() && wanted.domain.is_none() {
        true => owner::Owners::All,
        false => owner::owners(conn, caller, wanted, false)?,
    };
    let mine = administrated(conn, caller)?;
    let query = || {
        let mut query = owned_by!(invitations!().into_boxed(), project_invitation, &owners);
        match caller.scope().reach() {
            Reach::All => {}
            Reach::Domain { path } => {
                query = query.filter(domain::path.like(format!("{}%", escape_like(path))));
            }
            Reach::Account(own) => {
                let is_mine = project_invitation::account_id.eq(*own).and(
                    project_invitation::user_id
                        .is_null()
                        .or(project_invitation::user_id.eq(caller.user)),
                );
                query = match is_named {
                    true => query
                        .filter(is_mine.or(project_invitation::project_id.eq_any(mine.clone()))),
                    false => query.filter(is_mine),
                };
            }
        }
        if let Some(id) = filter.id {
            query = query.filter(project_invitation::id.eq(id));
        }
        if let Some(of) = filter.project {
            query = query.filter(project_invitation::project_id.eq(of));
        }
        if let Some(user) = filter.user {
            query = query.filter(project_invitation::user_id.eq(user));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(project::name.like(super::like(word)));
        }
        match filter.state {
            None => query,
            Some(InvitationState::Pending) => query
                .filter(project_invitation::state.eq(InvitationState::Pending))
                .filter(project_invitation::expires.gt(clock())),
            Some(InvitationState::Expired) => query
                .filter(project_invitation::state.eq(InvitationState::Pending))
                .filter(project_invitation::expires.le(clock())),
            Some(state) => query.filter(project_invitation::state.eq(state)),
        }
    };
    let rows = window.page(query().select(columns!()).order(project_invitation::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// The projects that the caller may change as one of their administrators.
fn administrated(conn: &mut Conn, caller: &Caller) -> Result<Vec<Id<id::Project>>> {
    use super::schema::{project_member, project_user};
    let mut found: Vec<Id<id::Project>> = project_member::table
        .filter(
            project_member::account_id.eq(caller.account).and(project_member::is_admin.eq(true)),
        )
        .select(project_member::project_id)
        .load(conn)?;
    let own: Vec<Id<id::Project>> = project_user::table
        .filter(project_user::user_id.eq(caller.user).and(project_user::is_admin.eq(true)))
        .select(project_user::project_id)
        .load(conn)?;
    found.extend(own);
    Ok(found)
}

/// An invitation, if the caller sees it.
pub fn seen(
    conn: &mut Conn,
    caller: &Caller,
    id: Id<id::ProjectInvitation>,
) -> Result<Option<Invitation>> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    Ok(list(conn, caller, (&filter, &Wanted::default()), &Window::ALL)?.1.pop())
}

/// The invitation to a project that one of these has and did not answer, if there is one.
pub fn pending(
    tx: &mut Tx<'_>,
    of: Id<id::Project>,
    invitees: &[Invitee],
) -> Result<Option<Invitation>> {
    let invitees: Vec<String> = invitees.iter().map(|invitee| invitee.text()).collect();
    let rows = invitations!()
        .filter(project_invitation::project_id.eq(of))
        .filter(project_invitation::invitee.eq_any(invitees))
        .filter(project_invitation::state.eq(InvitationState::Pending))
        .order(project_invitation::user_id.desc());
    Ok(rows.select(columns!()).first(&mut **tx).optional()?)
}

/// Invites somebody for so many milliseconds. The project must be held. Error: invalid, when a pending invitation is there.
pub fn invite(
    tx: &mut Tx<'_>,
    (of, home): (Id<id::Project>, Id<id::Domain>),
    who: Invitee,
    (is_admin, role): (bool, Option<Id<id::ProjectRole>>),
    milliseconds: i64,
) -> Result<()> {
    if pending(tx, of, &[who])?.is_some_and(|found| found.state() == InvitationState::Pending) {
        return Err(Error::Invalid(format!(
            "There is already a pending invitation for account id={} to the project id={of}",
            who.account
        )));
    }
    forget(tx, of, who)?;
    let most = milliseconds.min(MOST);
    let expires = sql::<Datetime>(&format!("UTC_TIMESTAMP(6) + INTERVAL {most}000 MICROSECOND"));
    insert_into(project_invitation::table)
        .values((
            project_invitation::id.eq(Id::<id::ProjectInvitation>::mint()),
            project_invitation::project_id.eq(of),
            project_invitation::account_id.eq(who.account),
            project_invitation::domain_id.eq(home),
            project_invitation::user_id.eq(who.user),
            project_invitation::invitee.eq(who.text()),
            project_invitation::is_admin.eq(is_admin),
            project_invitation::role_id.eq(role),
            project_invitation::state.eq(InvitationState::Pending),
            project_invitation::created.eq(clock()),
            project_invitation::expires.eq(expires),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// A hundred years.
const MOST: i64 = 100 * 365 * 86_400_000;

/// Writes down what was answered.
pub fn answer(
    tx: &mut Tx<'_>,
    id: Id<id::ProjectInvitation>,
    state: InvitationState,
) -> Result<()> {
    let row = update(project_invitation::table.filter(project_invitation::id.eq(id)));
    row.set(project_invitation::state.eq(state)).execute(&mut **tx)?;
    Ok(())
}

/// Removes an invitation.
pub fn remove(tx: &mut Tx<'_>, id: Id<id::ProjectInvitation>) -> Result<()> {
    delete(project_invitation::table.filter(project_invitation::id.eq(id))).execute(&mut **tx)?;
    Ok(())
}

/// Removes the invitation of one who is no member any more, or is invited anew.
pub fn forget(tx: &mut Tx<'_>, of: Id<id::Project>, who: Invitee) -> Result<()> {
    let row = project_invitation::table
        .filter(project_invitation::project_id.eq(of))
        .filter(project_invitation::invitee.eq(who.text()));
    delete(row).execute(&mut **tx)?;
    Ok(())
}

/// Removes the invitations of an account that is no more, and of its users.
pub fn forget_account(tx: &mut Tx<'_>, who: Id<id::Account>) -> Result<()> {
    let rows = project_invitation::table.filter(project_invitation::account_id.eq(who));
    delete(rows).execute(&mut **tx)?;
    Ok(())
}

/// Removes the invitations of a user who is no more.
pub fn forget_user(tx: &mut Tx<'_>, who: Id<id::User>) -> Result<()> {
    let rows = project_invitation::table.filter(project_invitation::user_id.eq(who));
    delete(rows).execute(&mut **tx)?;
    Ok(())
}

/// Removes all invitations to a project.
pub fn clear(tx: &mut Tx<'_>, of: Id<id::Project>) -> Result<()> {
    let rows = project_invitation::table.filter(project_invitation::project_id.eq(of));
    delete(rows).execute(&mut **tx)?;
    Ok(())
}

/// Whether a pending invitation is to this role of a project.
pub fn uses(conn: &mut Conn, role: Id<id::ProjectRole>) -> Result<bool> {
    let rows = project_invitation::table
        .filter(project_invitation::role_id.eq(role))
        .filter(project_invitation::state.eq(InvitationState::Pending))
        .filter(project_invitation::expires.gt(clock()));
    Ok(rows.count().get_result::<i64>(conn)? > 0)
}

/// The user of this id in a domain, with its account.
pub fn user_in(
    conn: &mut Conn,
    who: Id<id::User>,
    home: Id<id::Domain>,
) -> Result<Option<Invitee>> {
    let row = user::table
        .filter(user::id.eq(who).and(user::domain_id.eq(home)).and(user::alive.eq(true)))
        .select((user::account_id, user::id.nullable()));
    let found: Option<(Id<id::Account>, Option<Id<id::User>>)> = row.first(conn).optional()?;
    Ok(found.map(|(account, user)| Invitee { account, user }))
}
