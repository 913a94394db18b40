//! How full a host's pools are.

use super::Shared;
use crate::{
    command::host_link::HostDriver,
    domain::infra::PoolState,
    error::Result,
    store::{Tx, host, storage_pool},
};

/// Makes the pools that the host reaches and measures them; what has not changed is not written.
pub(super) async fn measure(
    shared: &Shared,
    host: &host::Host,
    driver: &dyn HostDriver,
) -> Result<()> {
    let row = host.clone();
    let read = move |conn: &mut crate::store::Conn| storage_pool::reached_by(conn, &row);
    for pool in shared.wiring.db.read(read).await? {
        if pool.state == PoolState::Disabled {
            continue;
        }
        let size = driver.ensure_pool(&pool.on_host()).await?;
        let number = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        if (number(size.0), number(size.1)) != (pool.capacity, pool.available) {
            let note = move |tx: &mut Tx<'_>| storage_pool::measured(tx, pool.id, size);
            shared.wiring.db.txn("pool measured", note).await?;
        }
    }
    Ok(())
}
