//! SSH key pairs: public keys by name.

use super::{
    Conn, Tx, Window, is_duplicate, like,
    owner::{OwnerName, Owners, owned_by, owner_name, with_owner},
    schema::{domain, ssh_key_pair},
};
use crate::{
    domain::{Id, id},
    error::{Error, Result},
};
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, Queryable, RunQueryDsl, TextExpressionMethods, delete, insert_into,
};

/// A key pair to keep.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = ssh_key_pair)]
pub struct New {
    /// Its id.
    pub id: Id<id::SshKeyPair>,
    /// Whose it is.
    pub account_id: Id<id::Account>,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// Its name, one of a kind in the account.
    pub name: String,
    /// Of the public key.
    pub fingerprint: String,
    /// Kind and key.
    pub public_key: String,
}

/// A key pair as answers show it.
#[derive(Debug, Clone, Queryable)]
pub struct Listed {
    /// Its id.
    pub id: Id<id::SshKeyPair>,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: OwnerName,
    /// Its owner's domain.
    pub domain_id: Id<id::Domain>,
    /// That domain's name.
    pub domain: String,
    /// Of the public key.
    pub fingerprint: String,
}

/// Which key pairs to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::SshKeyPair>>,
    /// With this name.
    pub name: Option<String>,
    /// With this fingerprint.
    pub fingerprint: Option<String>,
}

/// What a [`Listed`] is made of.
macro_rules! columns {
    () => {
        (
            ssh_key_pair::id,
            ssh_key_pair::name,
            owner_name!(),
            ssh_key_pair::domain_id,
            domain::name,
            ssh_key_pair::fingerprint,
        )
    };
}

/// Key pairs with their owners.
macro_rules! owned {
    () => {
        with_owner!(ssh_key_pair::table, ssh_key_pair)
            .inner_join(domain::table.on(domain::id.eq(ssh_key_pair::domain_id)))
    };
}

/// How many match, and one page of them, oldest first.
pub fn list(
    conn: &mut Conn,
    owners: &Owners,
    filter: &Filter,
    window: &Window,
) -> Result<(i64, Vec<Listed>)> {
    let query = || {
        let mut query = owned_by!(owned!().into_boxed(), ssh_key_pair, owners);
        if let Some(id) = filter.id {
            query = query.filter(ssh_key_pair::id.eq(id));
        }
        if let Some(name) = &filter.name {
            query = query.filter(ssh_key_pair::name.eq(name.clone()));
        }
        if let Some(text) = &filter.fingerprint {
            query = query.filter(ssh_key_pair::fingerprint.eq(text.clone()));
        }
        if let Some(word) = &window.keyword {
            query = query.filter(ssh_key_pair::name.like(like(word)));
        }
        query
    };
    let rows = window.page(query().select(columns!()).order(ssh_key_pair::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// One key pair.
pub fn one(conn: &mut Conn, id: Id<id::SshKeyPair>) -> Result<Listed> {
    Ok(owned!().filter(ssh_key_pair::id.eq(id)).select(columns!()).first(conn)?)
}

/// Keeps a key pair. Error: invalid, when the owner has one of this name.
pub fn insert(tx: &mut Tx<'_>, new: &New) -> Result<()> {
    insert_into(ssh_key_pair::table).values(new).execute(&mut **tx).map_err(|error| {
        let error = Error::from(error);
        if is_duplicate(&error) {
            Error::Invalid(format!("A key pair with name '{}' already exists.", new.name))
        } else {
            error
        }
    })?;
    Ok(())
}

/// Forgets a key pair; its id, if there was one.
pub fn delete_named(
    tx: &mut Tx<'_>,
    owner: Id<id::Account>,
    name: &str,
) -> Result<Option<Id<id::SshKeyPair>>> {
    let found: Option<Id<id::SshKeyPair>> = ssh_key_pair::table
        .filter(ssh_key_pair::account_id.eq(owner))
        .filter(ssh_key_pair::name.eq(name))
        .select(ssh_key_pair::id)
        .first(&mut **tx)
        .optional()?;
    if let Some(id) = found {
        delete(ssh_key_pair::table.filter(ssh_key_pair::id.eq(id))).execute(&mut **tx)?;
        super::annotation::clear(tx, id)?;
    }
    Ok(found)
}

/// Those of these names that the owner has.
pub fn known(conn: &mut Conn, owner: Id<id::Account>, names: &[String]) -> Result<Vec<String>> {
    Ok(ssh_key_pair::table
        .filter(ssh_key_pair::account_id.eq(owner))
        .filter(ssh_key_pair::name.eq_any(names))
        .select(ssh_key_pair::name)
        .load(conn)?)
}
