//! The database of a history: one server, or a cluster of three.

use super::record::Dice;
use crate::world::{galera::Galera, private::Private};
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
