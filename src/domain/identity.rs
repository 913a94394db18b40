//! Who calls, and what they may see.

use super::{Id, id};
use std::sync::Arc;

text_enum! {
    /// The five kinds of role; the kind decides what a command's annotation allows.
    RoleType {
        /// Root administrators.
        Admin,
        /// Administrators of resources.
        ResourceAdmin,
        /// Administrators of a domain and what is below it.
        DomainAdmin,
        /// Ordinary users.
        User,
        /// Of no kind: rules only.
        Unknown,
    }
}

impl RoleType {
    /// The account type on the wire: 0 user, 1 root admin, 2 domain admin, 3 resource domain admin.
    pub const fn account_type(self) -> i32 {
        match self {
            Self::Admin => 1,
            Self::DomainAdmin => 2,
            Self::ResourceAdmin => 3,
            Self::User | Self::Unknown => 0,
        }
    }
}

text_enum! {
    /// Whether a user or an account may act.
    AccountState {
        /// It may.
        Enabled,
        /// It may not.
        Disabled,
        /// It may not, and its instances keep running.
        Locked,
    }
}

text_enum! {
    /// What became of an invitation to a project.
    InvitationState {
        /// It was not answered yet.
        Pending,
        /// It was accepted.
        Completed,
        /// It was not answered in time.
        Expired,
        /// It was declined.
        Declined,
    }
}

/// An authenticated caller. Only the store makes one, from a user row.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user.
    pub user: Id<id::User>,
    /// The user's name.
    pub username: String,
    /// The account that will own what is created.
    pub account: Id<id::Account>,
    /// Its name.
    pub account_name: String,
    /// Its number, which is a part of the names of its instances on hosts.
    pub account_number: i64,
    /// Its domain.
    pub domain: Id<id::Domain>,
    /// The domain's path with a slash at both ends: `/`, `/a/b/`.
    pub domain_path: String,
    /// The role.
    pub role_id: Id<id::Role>,
    /// The role's name: `Root Admin`.
    pub role_name: String,
    /// The role's kind.
    pub role: RoleType,
    /// How often the role's rules were changed; 0: it never had any.
    pub role_revision: i64,
    /// The role's rules, once the kernel has looked them up.
    pub rules: Arc<Rules>,
    /// The command, when it lists what belongs to all projects: those whose role denies it are left out.
    pub lists: Option<&'static str>,
}

/// What a role may call beyond, or less than, what commands offer to its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<(String, bool)>);

impl Rules {
    /// Rules in order: a text of letters, digits and `*`, and whether it allows.
    pub fn new(rules: impl IntoIterator<Item = (String, bool)>) -> Self {
        Self(
            rules.into_iter().map(|(text, is_allowed)| (text.to_lowercase(), is_allowed)).collect(),
        )
    }

    /// What the first rule that fits says; `None`: none fits.
    pub fn decide(&self, command: &str) -> Option<bool> {
        let command = command.to_lowercase();
        let fits = |rule: &&(String, bool)| fits(rule.0.as_bytes(), command.as_bytes());
        self.0.iter().find(fits).map(|(_, is_allowed)| *is_allowed)
    }
}

/// The text of a rule, or why it is none.
pub fn rule_text(text: &str) -> Result<&str, String> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*')
    {
        true => Ok(text),
        false => {
            Err(format!("Only API names and wildcards are allowed, invalid rule provided: {text}"))
        }
    }
}

/// `allow` or `deny`.
pub fn is_allowed(permission: &str) -> Result<bool, String> {
    match permission.to_ascii_lowercase().as_str() {
        "allow" => Ok(true),
        "deny" => Ok(false),
        _ => Err("Values for permission parameter should be: allow or deny".to_owned()),
    }
}

/// Whether the whole text is what the pattern says, `*` being anything; without going back more than one star.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
        } else if pattern.get(p) == text.get(t) {
            p += 1;
            t += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

impl Caller {
    /// Whether ownership does not bind this caller.
    pub fn is_admin(&self) -> bool {
        self.role == RoleType::Admin
    }

    /// What this caller may touch.
    pub fn scope(&self) -> Scope {
        match self.role {
            RoleType::Admin => Scope(Reach::All),
            RoleType::DomainAdmin | RoleType::ResourceAdmin => {
                Scope(Reach::Domain { path: self.domain_path.clone() })
            }
            RoleType::User | RoleType::Unknown => Scope(Reach::Account(self.account)),
        }
    }

    /// What a list without further words shows this caller: the own account, or everything in reach with `listall`.
    pub fn list_scope(&self, list_all: bool) -> Scope {
        if list_all { self.scope() } else { Scope(Reach::Account(self.account)) }
    }
}

/// A domain's path on the wire: `/` is `ROOT`, `/a/b/` is `ROOT/a/b`.
pub fn shown_path(path: &str) -> String {
    format!("ROOT{}", path.trim_end_matches('/'))
}

/// A limit on whose things a query sees; only a [`Caller`] can make one.
#[derive(Debug, Clone)]
pub struct Scope(Reach);

/// What a [`Scope`] reaches.
#[derive(Debug, Clone)]
pub enum Reach {
    /// Everything.
    All,
    /// Everything owned in this domain and below it.
    Domain {
        /// The domain's path.
        path: String,
    },
    /// What one account owns.
    Account(Id<id::Account>),
}

impl Scope {
    /// What it reaches, for the store's queries.
    pub fn reach(&self) -> &Reach {
        &self.0
    }

    /// The scope of the service's own work (jobs, reconciling), which no request can obtain.
    pub(crate) fn of_the_service() -> Self {
        Self(Reach::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [("listHosts", false), ("list*", true), ("*Keys", true), ("a*b*c", false)];
        let rules = Rules::new(rules.map(|(text, is_allowed)| (text.to_owned(), is_allowed)));
        for (command, said) in [
            ("listHosts", Some(false)),
            ("LISTHOSTS", Some(false)),
            ("listHostsMetrics", Some(true)),
            ("list", Some(true)),
            ("getUserKeys", Some(true)),
            ("getUserKeysNow", None),
            ("aXbXbc", Some(false)),
            ("aXcXb", None),
            ("", None),
        ] {
            assert_eq!(rules.decide(command), said, "{command}");
        }
        assert_eq!(Rules::default().decide("x"), None);
    }
}
