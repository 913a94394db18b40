//! Everything that is needed to build an instance on its host, read at once.

use super::Vm;
use crate::{
    domain::{
        Id, id,
        infra::{ImageFormat, PoolKind},
        machine::Firmware,
    },
    error::{Error, Result},
    store::{
        Conn,
        deploy::{EXTRA_CONFIG, HUGE_PAGES},
        gpu_held::{HeldDevice, held_by},
        schema::{
            account, detail, host, network, nic, ssh_key_pair, storage_pool, template,
            template_copy, vm,
        },
        volume::{self, Volume},
    },
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper,
};

/// How to reach a host.
#[derive(Debug, Clone, Queryable)]
pub struct Address {
    /// The host.
    pub id: Id<id::Host>,
    /// Its name.
    pub name: String,
    /// Its URI.
    pub uri: String,
    /// Its pinned key.
    pub host_key: Option<String>,
}

/// A pool as its hosts know it.
#[derive(Debug, Clone, Queryable)]
pub struct Pool {
    /// The pool.
    pub id: Id<id::StoragePool>,
    /// What it is made of.
    pub kind: PoolKind,
    /// Its directory.
    pub path: String,
}

/// A template's file.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = template)]
pub struct Image {
    /// The template.
    pub id: Id<id::Template>,
    /// Its name, for messages.
    pub name: String,
    /// Its format.
    pub format: ImageFormat,
    /// Its file's name in the image store.
    pub file: Option<String>,
    /// The size of its disk.
    pub virtual_size: i64,
}

/// An interface and what it is plugged into.
#[derive(Debug, Clone, Queryable)]
pub struct Plug {
    /// The network.
    pub network: Id<id::Network>,
    /// `Isolated`, `Shared` or `L2`.
    pub guest_type: String,
    /// An existing bridge of the host.
    pub bridge: Option<String>,
    /// The network's gateway.
    pub gateway: Option<String>,
    /// The network's range.
    pub cidr: Option<String>,
    /// MAC address.
    pub mac: String,
    /// Address.
    pub ip: Option<String>,
    /// Whether the default route is here.
    pub is_default: bool,
}

/// An instance with everything that is needed to build it on its host.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// The instance.
    pub vm: Vm,
    /// Its host.
    pub host: Address,
    /// The pool of its disks.
    pub pool: Pool,
    /// What it is made of.
    pub image: Image,
    /// Whether the template's copy in the pool is complete.
    pub is_copied: bool,
    /// Its disks in order.
    pub volumes: Vec<Volume>,
    /// Its interfaces in order.
    pub plugs: Vec<Plug>,
    /// What it holds.
    pub devices: Vec<HeldDevice>,
    /// What its offering says of huge pages.
    pub hugepages: Option<String>,
    /// What it boots by.
    pub firmware: Firmware,
    /// Elements to be added to its definition.
    pub extra: Option<String>,
    /// Base64 user data.
    pub user_data: Option<String>,
    /// Public keys of its key pairs.
    pub public_keys: Vec<String>,
}

/// A detail of what the row is joined with.
macro_rules! text {
    ($owner:expr, $name:expr) => {
        detail::table
            .filter(detail::owner_id.eq($owner).and(detail::name.eq($name)))
            .select(detail::value)
            .single_value()
    };
}

/// Reads the plan of an instance that is placed on a host. Six statements, seven with key pairs.
pub fn blueprint(conn: &mut Conn, id: Id<id::Vm>) -> Result<Blueprint> {
    type Text = Option<String>;
    type Texts = (Text, Text, Text, Text, Text);
    type Row = (Vm, Texts, Address, Pool, Image);
    let row: Option<Row> = vm::table
        .inner_join(
            host::table.on(vm::host_id.eq(diesel::NullableExpressionMethods::nullable(host::id))),
        )
        .inner_join(
            storage_pool::table
                .on(vm::pool_id.eq(diesel::NullableExpressionMethods::nullable(storage_pool::id))),
        )
        .inner_join(template::table.on(template::id.eq(vm::template_id)))
        .filter(vm::id.eq(id).and(vm::removed.is_null()))
        .select((
            Vm::as_select(),
            (
                vm::user_data,
                vm::key_pairs,
                text!(vm::offering_id, HUGE_PAGES),
                text!(vm::id, EXTRA_CONFIG),
                text!(vm::id, Firmware::DETAIL),
            ),
            (host::id, host::name, host::uri, host::host_key),
            (storage_pool::id, storage_pool::kind, storage_pool::path),
            Image::as_select(),
        ))
        .first(conn)
        .optional()?;
    let Some((vm, (user_data, key_pairs, hugepages, extra, uefi), host, pool, image)) = row else {
        return Err(Error::Conflict(format!("instance {id} is on no host")));
    };
    let copied = template_copy::table
        .filter(template_copy::template_id.eq(image.id))
        .filter(template_copy::pool_id.eq(pool.id))
        .select(template_copy::state)
        .first::<String>(conn)
        .optional()?;
    Ok(Blueprint {
        is_copied: copied.as_deref() == Some("Ready"),
        volumes: volume::of_vm(conn, id)?,
        plugs: plugs(conn, id)?,
        devices: held_by(conn, id)?,
        public_keys: match key_pairs {
            None => Vec::new(),
            Some(names) => public_keys(conn, vm.account_id, &names)?,
        },
        vm,
        host,
        pool,
        image,
        user_data,
        hugepages,
        firmware: Firmware::read(uefi.as_deref()),
        extra,
    })
}

fn plugs(conn: &mut Conn, id: Id<id::Vm>) -> Result<Vec<Plug>> {
    Ok(nic::table
        .inner_join(network::table.on(network::id.eq(nic::network_id)))
        .filter(nic::vm_id.eq(id).and(nic::active.eq(true)))
        .order((nic::device_index, nic::id))
        .select((
            network::id,
            network::guest_type,
            network::bridge,
            network::gateway,
            network::cidr,
            nic::mac,
            nic::ip,
            nic::is_default,
        ))
        .load(conn)?)
}

fn public_keys(conn: &mut Conn, owner: Id<id::Account>, names: &str) -> Result<Vec<String>> {
    let names: Vec<&str> = names.split(',').collect();
    Ok(ssh_key_pair::table
        .filter(ssh_key_pair::account_id.eq(owner))
        .filter(ssh_key_pair::name.eq_any(names))
        .order(ssh_key_pair::name)
        .select(ssh_key_pair::public_key)
        .load(conn)?)
}

/// The interfaces of a network on a host, as fixed entries of its DHCP: (MAC, address, name).
pub fn leases(
    conn: &mut Conn,
    network: Id<id::Network>,
    host: Id<id::Host>,
) -> Result<Vec<(String, String, String)>> {
    let rows: Vec<(String, Option<String>, String)> = nic::table
        .inner_join(vm::table.on(vm::id.eq(nic::vm_id)))
        .filter(nic::network_id.eq(network).and(nic::active.eq(true)))
        .filter(vm::host_id.eq(host).and(nic::ip.is_not_null()))
        .order(nic::mac)
        .select((nic::mac, nic::ip, vm::instance_name))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(mac, ip, name)| Some((mac, ip?, name))).collect())
}

/// How to reach a host, whatever its state.
pub fn address(conn: &mut Conn, id: Id<id::Host>) -> Result<Address> {
    Ok(host::table
        .filter(host::id.eq(id))
        .select((host::id, host::name, host::uri, host::host_key))
        .first(conn)?)
}

/// The number of an account, which is a part of the names of its instances on hosts.
pub fn account_number(conn: &mut Conn, id: Id<id::Account>) -> Result<i64> {
    Ok(account::table.filter(account::id.eq(id)).select(account::number).first(conn)?)
}
