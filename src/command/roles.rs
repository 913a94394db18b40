//! May this role call this command? The first rule of the role that fits says so, else what the command offers to the
//! role's kind (dialect section 6.2).
//!
//! Rules are kept in memory under the role's revision, which comes with the caller's own row: a change holds for the
//! next request, at every server, and costs one statement the first time it is met.

use super::{Kernel, Spec};
use crate::{
    domain::{
        Id, id,
        identity::{Caller, RoleType, Rules},
    },
    error::Result,
    store::{Conn, role, seed::role_id},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The role that may call everything, whatever its rules are.
pub(super) const ROOT: Id<id::Role> = role_id(0);

/// The rules of roles by revision.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<ByRole>);

type ByRole = HashMap<Id<id::Role>, (i64, Arc<Rules>)>;

impl Known {
    fn find(&self, role: Id<id::Role>, revision: i64) -> Option<Arc<Rules>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&role).filter(|(of, _)| *of == revision).map(|(_, rules)| Arc::clone(rules))
    }

    fn keep(&self, role: Id<id::Role>, revision: i64, rules: Arc<Rules>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(role, (revision, rules));
    }
}

impl Kernel {
    /// Gives the caller the rules of its role. No statement, but the first time that a revision is met.
    pub(super) async fn with_rules(&self, mut caller: Caller) -> Result<Arc<Caller>> {
        let (role, revision) = (caller.role_id, caller.role_revision);
        if role != ROOT && revision != 0 {
            caller.rules = match self.known.find(role, revision) {
                Some(rules) => rules,
                None => self.learn(role, revision).await?,
            };
        }
        Ok(Arc::new(caller))
    }

    async fn learn(&self, role: Id<id::Role>, revision: i64) -> Result<Arc<Rules>> {
        let rules = self.wiring().db.read(move |conn| role::rules(conn, role)).await?;
        let rules = Arc::new(Rules::new(rules.into_iter().map(|row| (row.rule, row.is_allowed))));
        self.known.keep(role, revision, Arc::clone(&rules));
        Ok(rules)
    }
}

/// Whether the caller may call everything.
pub fn is_root(caller: &Caller) -> bool {
    caller.role_id == ROOT
}

/// Whether the caller's role allows the command.
pub(super) fn allows(caller: &Caller, spec: &Spec) -> bool {
    is_root(caller) || may(&caller.rules, caller.role, spec)
}

fn may(rules: &Rules, kind: RoleType, spec: &Spec) -> bool {
    rules.decide(spec.name).unwrap_or_else(|| spec.roles.contains(&kind))
}

/// Whether a role is above the caller's, by its kind or by a command that it may call and the caller may not: who is
/// given it, or the keys of somebody who has it, becomes more than the caller is. The reason, if it is.
pub fn above<'a>(
    conn: &mut Conn,
    caller: &Caller,
    (role, name, kind): &(Id<id::Role>, String, RoleType),
    specs: impl Iterator<Item = &'a Spec>,
) -> Result<Option<String>> {
    let is_below = match caller.role {
        RoleType::Admin => true,
        RoleType::DomainAdmin => matches!(kind, RoleType::DomainAdmin | RoleType::User),
        RoleType::ResourceAdmin => matches!(kind, RoleType::ResourceAdmin | RoleType::User),
        RoleType::User | RoleType::Unknown => false,
    };
    if !is_below {
        return Ok(Some(format!("the role {name} is above the caller's")));
    }
    let rules = role::rules(conn, *role)?;
    let rules = Rules::new(rules.into_iter().map(|rule| (rule.rule, rule.is_allowed)));
    let more = beyond(caller, (*role, *kind, &rules), specs);
    Ok(more.map(|spec| format!("the role {name} may call {}, which the caller may not", spec.name)))
}

/// A command that a role may call and the caller may not: who gives away such a role would become more than it is.
fn beyond<'a>(
    caller: &Caller,
    (role, kind, rules): (Id<id::Role>, RoleType, &Rules),
    mut specs: impl Iterator<Item = &'a Spec>,
) -> Option<&'a Spec> {
    specs.find(|spec| (role == ROOT || may(rules, kind, spec)) && !allows(caller, spec))
}
