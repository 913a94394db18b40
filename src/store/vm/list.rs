//! Which instances a list shows.

use super::whole::{Listed, Wanted, complete, rows_of};
use crate::{
    domain::{Id, Kind, id, vm::VmState},
    error::Result,
    store::{
        Conn, Window, like,
        owner::{Owners, owned_by},
        schema::{affinity_member, gpu_allocation, host, nic, vm},
        tag,
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl,
    TextExpressionMethods, mysql::Mysql, sql_types::Text,
};

/// Which instances to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These.
    pub ids: Vec<Id<id::Vm>>,
    /// With a part of this name, as host name or shown name.
    pub name: Option<String>,
    /// In these states; empty: all.
    pub states: Vec<VmState>,
    /// In this zone.
    pub zone: Option<Id<id::Zone>>,
    /// On this host.
    pub host: Option<Id<id::Host>>,
    /// In this cluster.
    pub cluster: Option<Id<id::Cluster>>,
    /// In this pod.
    pub pod: Option<Id<id::Pod>>,
    /// With a disk in this pool.
    pub pool: Option<Id<id::StoragePool>>,
    /// In this network.
    pub network: Option<Id<id::Network>>,
    /// Of this template.
    pub template: Option<Id<id::Template>>,
    /// Of this offering.
    pub offering: Option<Id<id::ServiceOffering>>,
    /// In this affinity group.
    pub group: Option<Id<id::AffinityGroup>>,
    /// Made by this user.
    pub user: Option<Id<id::User>>,
    /// With this kind of host.
    pub hypervisor: Option<String>,
    /// With this key pair.
    pub key_pair: Option<String>,
    /// With (true) or without (false) GPUs.
    pub gpu_enabled: Option<bool>,
    /// Only those shown to their owner.
    pub displayed: Option<bool>,
    /// With one of these tags; empty: all.
    pub tags: Vec<(String, String)>,
}

/// How many match, and one page of them, oldest first. Six statements at most.
pub fn list(
    conn: &mut Conn,
    owners: &Owners,
    filter: &Filter,
    window: &Window,
    wanted: Wanted,
) -> Result<(i64, Vec<Listed>)> {
    let query = || matching(owners, filter, window);
    let limit = window.limit.unwrap_or(i64::MAX);
    let page = query().order(vm::id).limit(limit).offset(window.offset);
    let rows = rows_of(conn, page, query().count(), wanted)?;
    let all = match rows.first().and_then(|row| row.all) {
        Some(all) => all,
        None if window.offset == 0 => 0,
        None => how_many(conn, owners, filter, window)?,
    };
    Ok((all, complete(conn, rows, wanted)?))
}

/// How many match. One statement.
pub fn how_many(conn: &mut Conn, owners: &Owners, filter: &Filter, window: &Window) -> Result<i64> {
    Ok(matching(owners, filter, window).count().get_result(conn)?)
}

/// The ids of those that match.
fn matching(owners: &Owners, filter: &Filter, window: &Window) -> Query {
    let query = vm::table.filter(vm::removed.is_null()).select(vm::id).into_boxed();
    let mut query = owned_by!(query, vm, owners);
    if !filter.ids.is_empty() {
        query = query.filter(vm::id.eq_any(filter.ids.clone()));
    }
    if let Some(name) = &filter.name {
        let name = like(name);
        query = query.filter(vm::name.like(name.clone()).or(vm::display_name.like(name)));
    }
    if !filter.states.is_empty() {
        query = query.filter(vm::state.eq_any(filter.states.clone()));
    }
    query = placed(query, filter);
    query = made_of(query, filter);
    if let Some(word) = &window.keyword {
        let word = like(word);
        query = query.filter(
            vm::name
                .like(word.clone())
                .or(vm::display_name.like(word.clone()))
                .or(vm::instance_name.like(word)),
        );
    }
    query
}

type Query = vm::BoxedQuery<'static, Mysql, Text>;

fn placed(mut query: Query, filter: &Filter) -> Query {
    if let Some(zone) = filter.zone {
        query = query.filter(vm::zone_id.eq(zone));
    }
    if let Some(host) = filter.host {
        query = query.filter(vm::host_id.eq(host));
    }
    if let Some(cluster) = filter.cluster {
        let there = host::table.filter(host::cluster_id.eq(cluster)).select(host::id);
        query = query.filter(vm::host_id.assume_not_null().eq_any(there));
    }
    if let Some(pod) = filter.pod {
        let there = host::table.filter(host::pod_id.eq(pod)).select(host::id);
        query = query.filter(vm::host_id.assume_not_null().eq_any(there));
    }
    if let Some(pool) = filter.pool {
        query = query.filter(vm::pool_id.eq(pool));
    }
    if let Some(network) = filter.network {
        let plugged = nic::table
            .filter(nic::network_id.eq(network).and(nic::active.eq(true)))
            .select(nic::vm_id);
        query = query.filter(vm::id.eq_any(plugged));
    }
    query
}

fn made_of(mut query: Query, filter: &Filter) -> Query {
    if let Some(group) = filter.group {
        let members = affinity_member::table.filter(affinity_member::group_id.eq(group));
        query = query.filter(vm::id.eq_any(members.select(affinity_member::vm_id)));
    }
    if !filter.tags.is_empty() {
        query = query.filter(vm::id.eq_any(tag::having(Kind::Vm, &filter.tags)));
    }
    if let Some(template) = filter.template {
        query = query.filter(vm::template_id.eq(template));
    }
    if let Some(offering) = filter.offering {
        query = query.filter(vm::offering_id.eq(offering));
    }
    if let Some(user) = filter.user {
        query = query.filter(vm::user_id.eq(user));
    }
    if let Some(kind) = &filter.hypervisor {
        query = query.filter(vm::hypervisor.eq(kind.clone()));
    }
    if let Some(name) = &filter.key_pair {
        query = query.filter(vm::key_pairs.eq(name.clone()));
    }
    if let Some(shown) = filter.displayed {
        query = query.filter(vm::is_displayed.eq(shown));
    }
    if let Some(wanted) = filter.gpu_enabled {
        let holding = gpu_allocation::table
            .filter(gpu_allocation::active.eq(true))
            .select(gpu_allocation::vm_id);
        query = if wanted {
            query.filter(vm::demand.is_not_null().or(vm::id.eq_any(holding)))
        } else {
            query.filter(vm::demand.is_null())
        };
    }
    query
}
