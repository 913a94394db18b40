//! What a new cloud starts with: domain ROOT, accounts system and admin, user admin, the eight default roles.

use super::{
    Conn, Tx, limit,
    schema::{account, domain, role, setting, user},
};
use crate::{
    domain::{
        Id, id,
        identity::{AccountState, RoleType},
    },
    error::Result,
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, insert_into};
use uuid::Uuid;

/// The roles of every cloud: name, kind, description.
const ROLES: [(&str, RoleType, &str); 8] = [
    ("Root Admin", RoleType::Admin, "Default root admin role"),
    ("Resource Admin", RoleType::ResourceAdmin, "Default resource admin role"),
    ("Domain Admin", RoleType::DomainAdmin, "Default domain admin role"),
    ("User", RoleType::User, "Default user role"),
    ("Read-Only Admin - Default", RoleType::Admin, "Default read-only admin role"),
    ("Read-Only User - Default", RoleType::User, "Default read-only user role"),
    ("Support Admin - Default", RoleType::Admin, "Default support admin role"),
    ("Support User - Default", RoleType::User, "Default support user role"),
];

/// Ids that are the same in every cloud, so that servers starting together cannot seed twice.
pub const fn fixed(number: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | number)
}

/// The ROOT domain.
pub const ROOT_DOMAIN: Id<id::Domain> = Id::from_uuid(fixed(1));
/// The account that the service itself acts as.
pub const SYSTEM_ACCOUNT: Id<id::Account> = Id::from_uuid(fixed(2));
/// The first administrators' account.
pub const ADMIN_ACCOUNT: Id<id::Account> = Id::from_uuid(fixed(3));
/// The service itself.
pub const SYSTEM_USER: Id<id::User> = Id::from_uuid(fixed(4));
/// The first administrator.
pub const ADMIN_USER: Id<id::User> = Id::from_uuid(fixed(5));

/// Whether the cloud was seeded before. One statement.
pub fn is_done(conn: &mut Conn) -> Result<bool> {
    let seeded = setting::table.filter(setting::name.eq("csgpu.seeded")).select(setting::name);
    Ok(seeded.first::<String>(conn).optional()?.is_some())
}

/// Seeds everything that a new cloud starts with, and gives the administrator a pair of keys. Not to be repeated.
pub fn everything(tx: &mut Tx<'_>, password_hash: &str, keys: (&str, &str)) -> Result<()> {
    identity(tx, password_hash)?;
    super::seed_gpu::seed(tx)?;
    super::user::set_keys(tx, ADMIN_USER, keys.0, keys.1)?;
    Ok(())
}

/// Seeds identity and what a cloud can offer at once; `password_hash` is the administrator's, the system user has none that matches. Not to be repeated.
pub fn identity(tx: &mut Tx<'_>, password_hash: &str) -> Result<()> {
    insert_into(setting::table)
        .values((setting::name.eq("csgpu.seeded"), setting::value.eq(env!("CARGO_PKG_VERSION"))))
        .execute(&mut **tx)?;
    insert_into(domain::table)
        .values((domain::id.eq(ROOT_DOMAIN), domain::name.eq("ROOT"), domain::path.eq("/")))
        .execute(&mut **tx)?;
    limit::enter_domain(tx, ROOT_DOMAIN, None)?;
    let roles: Vec<_> = (0u128..)
        .zip(ROLES)
        .map(|(number, (name, kind, about))| {
            (
                role::id.eq(role_id(number)),
                role::name.eq(name),
                role::kind.eq(kind),
                role::description.eq(about),
                role::is_default.eq(true),
            )
        })
        .collect();
    insert_into(role::table).values(roles).execute(&mut **tx)?;
    super::seed_roles::seed(tx)?;
    for (number, account, name) in [(1, SYSTEM_ACCOUNT, "system"), (2, ADMIN_ACCOUNT, "admin")] {
        insert_into(account::table)
            .values((
                account::id.eq(account),
                account::number.eq(number),
                account::domain_id.eq(ROOT_DOMAIN),
                account::role_id.eq(role_id(0)),
                account::name.eq(name),
                account::state.eq(AccountState::Enabled),
                account::is_default.eq(true),
            ))
            .execute(&mut **tx)?;
        limit::enter_account(tx, account, RoleType::Admin)?;
    }
    for (user, account, name, hash) in [
        (SYSTEM_USER, SYSTEM_ACCOUNT, "system", "!"),
        (ADMIN_USER, ADMIN_ACCOUNT, "admin", password_hash),
    ] {
        insert_into(user::table)
            .values((
                user::id.eq(user),
                user::account_id.eq(account),
                user::domain_id.eq(ROOT_DOMAIN),
                user::username.eq(name),
                user::password_hash.eq(hash),
                user::first_name.eq(name),
                user::last_name.eq("cloud"),
                user::state.eq(AccountState::Enabled),
                user::is_default.eq(true),
            ))
            .execute(&mut **tx)?;
    }
    super::seed_infra::seed(tx)
}

/// The id of a default role.
pub const fn role_id(number: u128) -> Id<id::Role> {
    Id::from_uuid(fixed(0x100 + number))
}
