//! The database of a history: one server, or a cluster of three.

use super::record::Dice;
use crate::world::{
    galera::{Galera, lines},
    private::Private,
};
use std::{path::Path, time::Duration};

/// The database.
pub enum Database {
    One(Private),
    Cluster(Galera),
}

impl Database {
    /// Where it lives.
    pub fn dir(&self) -> &Path {
        match self {
            Self::One(server) => server.dir(),
            Self::Cluster(cluster) => cluster.dir(),
        }
    }

    /// Its URL, as the n-th server of the cloud has it.
    pub fn url(&self, n: usize) -> String {
        match self {
            Self::One(server) => server.url("csgpu"),
            Self::Cluster(cluster) => cluster.url(n, "csgpu"),
        }
    }

    /// How long to wait between two kills: a single server is started again by its keeper, at once only if the last
    /// kill is a while ago.
    pub fn between_kills(&self) -> Duration {
        match self {
            Self::One(_) => Duration::from_secs(65),
            Self::Cluster(_) => Duration::from_secs(10),
        }
    }

    /// What the nodes of a cluster do not agree on, though nothing happened to them for a while: then it is the database
    /// that lost something.
    pub fn differences(&self) -> Vec<String> {
        let Self::Cluster(cluster) = self else { return Vec::new() };
        let queries = [
            "SELECT CONCAT_WS(' ', 'vm', id, state, generation, host_id) AS line FROM vm",
            "SELECT CONCAT_WS(' ', 'job', id, command, state, attempt, subject_id) AS line FROM job",
            "SELECT CONCAT_WS(' ', 'allocation', id, device_id, vm_id, state) AS line FROM gpu_allocation",
            "SELECT CONCAT_WS(' ', 'count', owner_id, kind, used) AS line FROM resource_count",
        ];
        queries.iter().flat_map(|query| cluster.differences("csgpu", query)).collect()
    }

    /// What each server is doing, for whoever wonders why something does not end.
    pub fn doings(&self) -> Vec<String> {
        let query = "SELECT CONCAT_WS(' ', 'does', id, command, time, state, LEFT(info, 300)) AS line
                FROM information_schema.processlist WHERE command <> 'Sleep' AND id <> CONNECTION_ID() UNION ALL
            SELECT CONCAT_WS(' ', 'transaction of', trx_mysql_thread_id, trx_state, trx_started, trx_query)
                FROM information_schema.innodb_trx";
        let nodes = if matches!(self, Self::One(_)) { 1 } else { 3 };
        let of_node = |n| lines(&self.url(n), query).into_iter().map(move |line| (n, line));
        (0..nodes).flat_map(of_node).map(|(n, line)| format!("node {n} {line}")).collect()
    }

    /// Kills the server, or one of the cluster, which is back a while later.
    pub async fn kill(&self, dice: &mut Dice) {
        match self {
            Self::One(server) => tokio::task::block_in_place(|| server.crash()),
            Self::Cluster(cluster) => {
                let node = dice.below(3);
                cluster.kill(node);
                tokio::time::sleep(Duration::from_secs(3)).await;
                tokio::task::block_in_place(|| cluster.restart(node));
            }
        }
    }
}
