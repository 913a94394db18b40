//! What a database gets once, when it is new: everything a cloud begins with, and an administrator.

use crate::{
    command::secret::{hash_password, key_pair, random_text},
    config::Secret,
    error::Result,
    store::{Db, seed},
};

/// Seeds a new database; returns what its administrator must be told, once. `None`: it was seeded before, perhaps a
/// moment ago by another server.
pub(super) async fn seed(db: &Db, password: Option<&Secret>) -> Result<Option<String>> {
    if db.read(seed::is_done).await? {
        return Ok(None);
    }
    let given = password.map(|password| password.reveal().to_owned());
    let password = given.clone().map_or_else(|| random_text(12), Ok)?;
    let (api_key, secret_key) = key_pair()?;
    let hash = hash_password(&password)?;
    let keys = (api_key.clone(), secret_key.clone());
    let seeded = db.txn("seed", move |tx| seed::everything(tx, &hash, (&keys.0, &keys.1))).await;
    match seeded {
        Ok(()) => {
            let password = if given.is_some() { "as configured" } else { &password };
            Ok(Some(format!(
                "first start, shown only once:\n  user        admin\n  password    {password}\n  \
                 api key     {api_key}\n  secret key  {secret_key}\n"
            )))
        }
        Err(error) if db.read(seed::is_done).await? => {
            tracing::debug!(%error, "another server seeded the database");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
