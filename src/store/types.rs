//! How our own types are columns: ids, enums and addresses as text, times by the database's clock.
//!
//! The types themselves live in `domain` and know nothing of diesel. A type that prints itself with `Display` and reads
//! itself with `FromStr` becomes a `CHAR`/`VARCHAR` column by one line in `text_columns!` below; `Option` of it is a
//! nullable column. Then it works in `#[derive(Queryable, Selectable, Insertable, AsChangeset)]`, in `.eq(id)` and in
//! `.eq_any(ids)`. Times are [`Time`] over `DATETIME(6)`.

use crate::domain::{Id, Time, gpu, identity, infra, job, placement, vm};
use crate::error::Result;
use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    deserialize::{self, FromSql, Queryable},
    dsl::sql,
    expression::{
        AppearsOnTable, AsExpression, Expression, SelectableExpression, SqlLiteral, ValidGrouping,
        is_aggregate,
    },
    internal::derives::as_expression::Bound,
    mysql::{Mysql, MysqlValue},
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Datetime, Nullable, SingleValue, Text},
};
use std::io::Write as _;

/// One row per type: what diesel's own derives would write, for a type that is not declared here.
macro_rules! text_column {
    ([$($bound:tt)*] $type:ty) => {
        text_column!(@bind [$($bound)*] $type, Text, $type);
        text_column!(@bind [$($bound)*] $type, Nullable<Text>, $type);
        text_column!(@bind ['a, $($bound)*] $type, Text, &'a $type);
        text_column!(@bind ['a, $($bound)*] $type, Nullable<Text>, &'a $type);
        text_column!(@bind ['a, 'b, $($bound)*] $type, Text, &'b &'a $type);
        text_column!(@bind ['a, 'b, $($bound)*] $type, Nullable<Text>, &'b &'a $type);

        impl<$($bound)*> ToSql<Text, Mysql> for $type {
            fn to_sql<'o>(&'o self, out: &mut Output<'o, '_, Mysql>) -> serialize::Result {
                write!(out, "{self}")?;
                Ok(IsNull::No)
            }
        }
        impl<$($bound)*> ToSql<Nullable<Text>, Mysql> for $type {
            fn to_sql<'o>(&'o self, out: &mut Output<'o, '_, Mysql>) -> serialize::Result {
                ToSql::<Text, Mysql>::to_sql(self, out)
            }
        }
        impl<$($bound)*> FromSql<Text, Mysql> for $type {
            fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
                Ok(std::str::from_utf8(value.as_bytes())?.parse::<$type>()?)
            }
        }
        impl<$($bound)* Column: SingleValue, Db: Backend> Queryable<Column, Db> for $type
        where
            Self: FromSql<Column, Db>,
        {
            type Row = Self;
            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    };
    (@bind [$($bound:tt)*] $base:ty, $column:ty, $type:ty) => {
        impl<$($bound)*> AsExpression<$column> for $type {
            type Expression = Bound<$column, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    };
}

/// Declares which types of ours are text columns.
macro_rules! text_columns {
    ($($type:ty),* $(,)?) => { $(text_column!([] $type);)* };
}

text_column!([T: 'static,] Id<T>);
text_columns!(
    identity::RoleType,
    identity::AccountState,
    identity::InvitationState,
    vm::state::VmState,
    job::JobState,
    placement::NumaPolicy,
    placement::Packing,
    gpu::state::DeviceType,
    gpu::state::ManagedState,
    gpu::state::Health,
    gpu::drift::DriftKind,
    gpu::state::AllocationState,
    gpu::state::ProfileKind,
    gpu::address::PciAddress,
    infra::Switch,
    infra::NetworkType,
    infra::Hypervisor,
    infra::HostState,
    infra::ResourceState,
    infra::PoolScope,
    infra::PoolKind,
    infra::PoolState,
    infra::TemplateState,
    infra::ImageFormat,
    infra::GuestType,
);

/// The database's clock inside a statement: UTC, to the microsecond. (diesel's `now` has no fraction of a second.)
pub const fn clock() -> Clock {
    Clock
}

/// What [`clock`] is: an expression of its own, since a statement with a literal text is prepared anew each time.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct Clock;

impl Expression for Clock {
    type SqlType = Datetime;
}
impl QueryFragment<Mysql> for Clock {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        pass.push_sql("UTC_TIMESTAMP(6)");
        Ok(())
    }
}
impl<S> SelectableExpression<S> for Clock {}
impl<S> AppearsOnTable<S> for Clock {}
impl<G> ValidGrouping<G> for Clock {
    type IsAggregate = is_aggregate::Never;
}

/// Now, but not before the step before, whose time this expression is: the database's clock may have been put back.
pub fn clock_after(step: &str) -> SqlLiteral<Nullable<Datetime>> {
    sql(&format!("GREATEST(UTC_TIMESTAMP(6), {step})"))
}

/// What the database's clock says.
pub fn now(conn: &mut super::Conn) -> Result<Time> {
    Ok(diesel::select(clock()).get_result(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{gpu::PciAddress, id, vm::VmState};
    use diesel::{debug_query, prelude::*};

    diesel::table! {
        thing (id) {
            id -> Text,
            owner_id -> Nullable<Text>,
            state -> Text,
            address -> Nullable<Text>,
            created -> Datetime,
        }
    }

    #[derive(Debug, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
    #[diesel(table_name = thing, check_for_backend(Mysql))]
    struct Thing {
        id: Id<id::Vm>,
        owner_id: Option<Id<id::Account>>,
        state: VmState,
        address: Option<PciAddress>,
        created: Time,
    }

    #[test]
    fn our_types_are_columns() {
        let id = Id::<id::Vm>::mint();
        let (owner, ids) = (Id::<id::Account>::mint(), [id]);
        let row = Thing {
            id,
            owner_id: Some(owner),
            state: VmState::Running,
            address: "3b:00.0".parse().ok(),
            created: Time::default(),
        };
        let query = thing::table
            .filter(thing::id.eq(id).and(thing::id.eq_any(&ids)).and(thing::id.eq_any(vec![id])))
            .filter(thing::owner_id.eq(owner).and(thing::owner_id.eq(Some(&owner))))
            .filter(thing::state.eq_any(VmState::MAY_RUN))
            .select(Thing::as_select());
        let text = debug_query::<Mysql, _>(&query).to_string();
        assert!(text.contains("`thing`.`state` IN (?, ?, ?)"), "{text}");
        let insert = diesel::insert_into(thing::table).values(vec![row]);
        assert!(debug_query::<Mysql, _>(&insert).to_string().contains("INSERT INTO `thing`"));
        fn loads<'q>(q: impl diesel::query_dsl::LoadQuery<'q, super::super::Conn, Thing>) {
            drop(q);
        }
        loads(query);
    }
}
