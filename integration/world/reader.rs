//! A server that can read the database and not write it: any command may be tried there, nothing changes.

use super::{World, server};
use csgpu::{
    command::Kernel,
    store::{Conn, Db},
};
use diesel::connection::SimpleConnection;
use std::sync::Arc;

/// The kernel of such a server. Its database user goes with the database of the world.
pub async fn kernel(world: &World) -> Kernel {
    let name = &world.database.name;
    let mut conn: Conn = server::admin();
    let text = format!(
        "CREATE USER '{name}'@'%' IDENTIFIED BY 'reader'; GRANT SELECT ON `{name}`.* TO '{name}'@'%'"
    );
    conn.batch_execute(&text).expect("a user who may read");
    let (scheme, rest) = world.database.url.split_once("://").expect("a URL has a scheme");
    let (_, place) = rest.split_once('@').expect("a URL has a user");
    let wiring = &world.server.wiring;
    let db = Db::open(&format!("{scheme}://{name}:reader@{place}"), 4);
    Kernel::new(Arc::new(super::wiring(
        db,
        Arc::clone(&wiring.hosts),
        Arc::clone(&wiring.settings),
    )))
}
