//! Hosts: rows and queries. The column `state` is written here only.

use super::{
    Conn, Tx, Window, clock, like,
    prepared::{kept, prepared},
    schema::{cluster, host, pod, zone},
    write::unless_taken,
};
use crate::{
    domain::{
        Id, Time, id,
        infra::{HostState, Hypervisor, ResourceState},
        machine::{HostFacts, Told},
    },
    error::{Error, Result},
};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl,
    NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, TextExpressionMethods,
    dsl::sql,
    insert_into,
    sql_types::{Bool, Nullable, Text},
    update,
};

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = host)]
pub struct Host {
    /// Its id.
    pub id: Id<id::Host>,
    /// Its zone.
    pub zone_id: Id<id::Zone>,
    /// Its pod.
    pub pod_id: Id<id::Pod>,
    /// Its cluster.
    pub cluster_id: Id<id::Cluster>,
    /// Its name.
    pub name: String,
    /// What it runs.
    pub hypervisor: Hypervisor,
    /// How to reach it.
    pub uri: String,
    /// The hardware's identity: one machine is one host.
    pub identity: String,
    /// The pinned ssh host key as a known_hosts line.
    pub host_key: Option<String>,
    /// Its address, as clients see it.
    pub ip_address: String,
    /// Whether it answers.
    pub state: HostState,
    /// Why it does not.
    pub state_reason: Option<String>,
    /// The administrator's switch.
    pub resource_state: ResourceState,
    /// Hypervisor version.
    pub version: String,
    /// CPU architecture.
    pub arch: String,
    /// Logical CPUs.
    pub cpus: i32,
    /// CPU speed in MHz.
    pub mhz: i32,
    /// CPU sockets.
    pub sockets: i32,
    /// Memory in bytes.
    pub memory: i64,
    /// What domains must be: `kvm`, `qemu`, `test`.
    pub domain_type: String,
    /// Whether it translates device addresses.
    pub iommu: bool,
    /// What it told that only placement asks.
    pub told: Option<String>,
    /// Whether its GPUs get no new instance.
    pub draining: bool,
    /// Host tags, joined by commas.
    pub tags: Option<String>,
    /// One more with every claim.
    pub generation: i64,
    /// What looks like a GPU there and is none of ours, with the reason.
    pub left_out: Option<String>,
    /// When its state last changed.
    pub last_seen: Option<Time>,
    /// When it was added.
    pub created: Time,
}

impl Host {
    /// Whether its instances are simulated by libvirt inside this process and must be defined anew at start.
    pub fn is_test_driver(&self) -> bool {
        self.domain_type == "test"
    }
}

/// A host to insert.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = host)]
#[expect(missing_docs, reason = "the fields of a host")]
pub struct New {
    pub id: Id<id::Host>,
    pub zone_id: Id<id::Zone>,
    pub pod_id: Id<id::Pod>,
    pub cluster_id: Id<id::Cluster>,
    pub name: String,
    pub hypervisor: Hypervisor,
    pub uri: String,
    pub identity: String,
    pub host_key: Option<String>,
    pub ip_address: String,
    pub state: HostState,
    pub resource_state: ResourceState,
    pub tags: Option<String>,
    #[diesel(embed)]
    pub size: Size,
}

/// The columns that a probe fills.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = host, treat_none_as_null = true)]
#[expect(missing_docs, reason = "the fields of a host")]
pub struct Size {
    pub version: String,
    pub arch: String,
    pub cpus: i32,
    pub mhz: i32,
    pub sockets: i32,
    pub memory: i64,
    pub domain_type: String,
    pub iommu: bool,
    pub told: Option<String>,
}

fn told(facts: &HostFacts) -> Told {
    let (firmware, pages) = (Some(facts.firmware), facts.pages.clone());
    Told { nodes: facts.nodes.clone(), firmware, pages }
}

impl From<&HostFacts> for Size {
    fn from(facts: &HostFacts) -> Self {
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            version: facts.version.clone(),
            arch: facts.arch.clone(),
            cpus: number(facts.cpus),
            mhz: number(facts.mhz),
            sockets: number(facts.sockets),
            memory: i64::try_from(facts.memory).unwrap_or(i64::MAX),
            domain_type: facts.domain_type.clone(),
            iommu: facts.iommu,
            told: told(facts).text(),
        }
    }
}

impl Host {
    /// What its last successful probe said.
    pub fn size(&self) -> Size {
        Size {
            version: self.version.clone(),
            arch: self.arch.clone(),
            cpus: self.cpus,
            mhz: self.mhz,
            sockets: self.sockets,
            memory: self.memory,
            domain_type: self.domain_type.clone(),
            iommu: self.iommu,
            told: self.told.clone(),
        }
    }
}

/// Which hosts to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This one.
    pub id: Option<Id<id::Host>>,
    /// Of this zone.
    pub zone: Option<Id<id::Zone>>,
    /// Of this pod.
    pub pod: Option<Id<id::Pod>>,
    /// Of this cluster.
    pub cluster: Option<Id<id::Cluster>>,
    /// With this name.
    pub name: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// In this resource state.
    pub resource_state: Option<String>,
    /// Of this hypervisor.
    pub hypervisor: Option<String>,
    /// Of this architecture.
    pub arch: Option<String>,
    /// Whose GPUs get no new instance, or may.
    pub draining: Option<bool>,
}

/// What an administrator changes of a host.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = host)]
#[expect(missing_docs, reason = "the fields of a host")]
pub struct Changes {
    pub name: Option<String>,
    /// `Some(None)` takes all tags away.
    pub tags: Option<Option<String>>,
    pub resource_state: Option<ResourceState>,
    pub host_key: Option<Option<String>>,
}

/// A host with the names of its zone, pod and cluster.
pub type Named = (Host, String, String, String);

/// How many match, and one page of them, oldest first.
pub fn list(conn: &mut Conn, filter: &Filter, window: &Window) -> Result<(i64, Vec<Named>)> {
    let query = || {
        let mut query = host::table
            .inner_join(zone::table.on(zone::id.eq(host::zone_id)))
            .inner_join(pod::table.on(pod::id.eq(host::pod_id)))
            .inner_join(cluster::table.on(cluster::id.eq(host::cluster_id)))
            .filter(host::alive.eq(true))
            .into_boxed();
        if let Some(id) = filter.id {
            query = query.filter(host::id.eq(id));
        }
        if let Some(zone) = filter.zone {
            query = query.filter(host::zone_id.eq(zone));
        }
        if let Some(pod) = filter.pod {
            query = query.filter(host::pod_id.eq(pod));
        }
        if let Some(cluster) = filter.cluster {
            query = query.filter(host::cluster_id.eq(cluster));
        }
        if let Some(name) = &filter.name {
            query = query.filter(host::name.eq(name));
        }
        if let Some(state) = &filter.state {
            query = query.filter(host::state.eq(state));
        }
        if let Some(state) = &filter.resource_state {
            query = query.filter(host::resource_state.eq(state));
        }
        if let Some(kind) = &filter.hypervisor {
            query = query.filter(host::hypervisor.eq(kind));
        }
        if let Some(draining) = filter.draining {
            query = query.filter(host::draining.eq(draining));
        }
        if let Some(arch) = &filter.arch {
            query = query.filter(host::arch.eq(arch));
        }
        if let Some(word) = &window.keyword {
            let word = like(word);
            query = query.filter(host::name.like(word.clone()).or(host::ip_address.like(word)));
        }
        query
    };
    let columns = (Host::as_select(), zone::name, pod::name, cluster::name);
    let rows = window.page(query().select(columns).order(host::id), conn)?;
    let count = window.count(rows.len(), || Ok(query().count().get_result(conn)?))?;
    Ok((count, rows))
}

/// All hosts, for the keeper. One statement.
pub fn all(conn: &mut Conn) -> Result<Vec<Host>> {
    let query = host::table.filter(host::alive.eq(true)).order(host::id);
    Ok(query.select(Host::as_select()).load(conn)?)
}

/// One host. Error: not found.
pub fn get(conn: &mut Conn, id: Id<id::Host>) -> Result<Host> {
    let query = host::table.filter(host::id.eq(id)).filter(host::alive.eq(true));
    let found = query.select(Host::as_select()).first(conn).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "host", id: id.to_string() })
}

/// Holds the host until the transaction ends. Error: not found.
pub fn hold(tx: &mut Tx<'_>, id: Id<id::Host>) -> Result<Host> {
    let query = host::table.filter(host::id.eq(id)).filter(host::alive.eq(true));
    let found = query.select(Host::as_select()).for_update().first(&mut **tx).optional()?;
    found.ok_or_else(|| Error::NotFound { what: "host", id: id.to_string() })
}

/// The host that is this machine.
pub fn by_identity(conn: &mut Conn, identity: &str) -> Result<Option<Host>> {
    let query = host::table.filter(host::identity.eq(identity)).filter(host::alive.eq(true));
    Ok(query.select(Host::as_select()).first(conn).optional()?)
}

/// The host that is reached in this way.
pub fn by_uri(conn: &mut Conn, uri: &str) -> Result<Option<Host>> {
    let query = host::table.filter(host::uri.eq(uri)).filter(host::alive.eq(true));
    Ok(query.select(Host::as_select()).first(conn).optional()?)
}

/// Inserts a host. Error: invalid, when the machine is a host already.
pub fn insert(tx: &mut Tx<'_>, new: &New) -> Result<()> {
    let outcome = insert_into(host::table)
        .values((new, host::last_seen.eq(clock().nullable())))
        .execute(&mut **tx);
    unless_taken(outcome, || format!("{} was added as a host by another request", new.uri))
        .map(drop)
}

/// What is set with every change that placement sees: whoever looked at the host before this looks again.
macro_rules! news {
    () => {
        (host::generation.eq(host::generation + 1), host::changed.eq(clock()))
    };
}

/// The host offers more or less than before, or something else. For what is written in its own row see [`change`].
pub fn touch(tx: &mut Tx<'_>, id: Id<id::Host>) -> Result<()> {
    kept(update(host::table.filter(host::id.eq(id))).set(news!())).execute(&mut **tx)?;
    Ok(())
}

/// The same for all hosts that reach a pool, in the order of their locks.
pub fn touch_around(tx: &mut Tx<'_>, pool: Id<id::StoragePool>) -> Result<()> {
    let text = "UPDATE host SET generation = generation + 1, changed = UTC_TIMESTAMP(6) WHERE alive = 1 AND EXISTS \
        (SELECT 1 FROM storage_pool p WHERE p.id = ? AND p.zone_id = host.zone_id AND (p.host_id = host.id \
        OR (p.host_id IS NULL AND (p.cluster_id IS NULL OR p.cluster_id = host.cluster_id)))) ORDER BY id";
    prepared(text).bind::<Text, _>(pool).execute(&mut **tx)?;
    Ok(())
}

/// The same for all hosts that have devices of a profile, or can make some: the profile is not what it was. For what
/// becomes known of it, only where that was unknown; to be called before.
pub fn touch_with(tx: &mut Tx<'_>, profile: Id<id::VgpuProfile>, is_learnt: bool) -> Result<()> {
    let unknown = match is_learnt {
        true => " AND EXISTS (SELECT 1 FROM vgpu_profile p WHERE p.id = ? AND p.video_ram IS NULL)",
        false => " AND ? <> ''",
    };
    let text = format!(
        "UPDATE host SET generation = generation + 1, changed = UTC_TIMESTAMP(6) WHERE alive = 1 AND (EXISTS \
         (SELECT 1 FROM gpu_device d WHERE d.host_id = host.id AND d.alive = 1 AND d.profile_id = ?) OR EXISTS \
         (SELECT 1 FROM gpu_slice_type t JOIN gpu_device d ON d.id = t.device_id WHERE t.profile_id = ? \
         AND d.host_id = host.id AND d.alive = 1)){unknown} ORDER BY id"
    );
    prepared(text).bind_all::<Text, _>([profile; 3]).execute(&mut **tx)?;
    Ok(())
}

/// Changes what an administrator changes.
pub fn change(tx: &mut Tx<'_>, id: Id<id::Host>, changes: &Changes) -> Result<()> {
    update(host::table.filter(host::id.eq(id))).set((changes, news!())).execute(&mut **tx)?;
    Ok(())
}

/// Records what a probe said.
pub fn resize(tx: &mut Tx<'_>, id: Id<id::Host>, size: &Size) -> Result<()> {
    update(host::table.filter(host::id.eq(id))).set((size, news!())).execute(&mut **tx)?;
    Ok(())
}

/// Records what looks like a GPU on the host and is left out.
pub fn leave_out(tx: &mut Tx<'_>, id: Id<id::Host>, what: Option<&str>) -> Result<()> {
    update(host::table.filter(host::id.eq(id))).set(host::left_out.eq(what)).execute(&mut **tx)?;
    Ok(())
}

/// Records whether the host answers; says whether that is news.
pub fn set_state(
    tx: &mut Tx<'_>,
    id: Id<id::Host>,
    state: HostState,
    reason: Option<&str>,
) -> Result<bool> {
    let reason: Option<String> = reason.map(|text| text.chars().take(1000).collect());
    let other_reason =
        sql::<Bool>("NOT (state_reason <=> ").bind::<Nullable<Text>, _>(reason.clone()).sql(")");
    let query = host::table.filter(host::id.eq(id)).filter(host::alive.eq(true));
    let changed = update(query.filter(host::state.ne(state).or(other_reason)))
        .set((
            host::state.eq(state),
            host::state_reason.eq(reason),
            host::last_seen.eq(clock().nullable()),
            news!(),
        ))
        .execute(&mut **tx)?;
    Ok(changed > 0)
}
