//! What decides whether an account's calls are taken, read with the caller's own row.

use diesel::Queryable;

/// What is selected by the macro of the same name.
#[derive(Debug, Clone, Default, Queryable)]
pub struct Standing {
    /// The list of addresses that was set for the account.
    pub sources: Option<String>,
    /// The revision of the settings for all; `None`: nothing was ever changed.
    pub revision: Option<String>,
}

/// A [`Standing`], as two sub-selects of a query over accounts.
macro_rules! standing {
    () => {
        (
            scoped_setting::table
                .filter(scoped_setting::scope.eq($crate::domain::setting::Scope::Account.name()))
                .filter(scoped_setting::scope_id.eq(account::id))
                .filter(scoped_setting::name.eq($crate::domain::access::SOURCES))
                .select(scoped_setting::value)
                .single_value(),
            setting::table
                .filter(setting::name.eq($crate::store::setting::REVISION))
                .select(setting::value)
                .single_value(),
        )
    };
}
pub(super) use standing;
