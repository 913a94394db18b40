//! How often accounts may call: what is left of it, and a fresh start. Only while `api.throttling.enabled` is on.

mod get;
mod reset;

use crate::{
    command::{Cx, Entry, sync},
    domain::access::{Access, Rate},
    error::{Error, Result},
    store::setting,
};

/// The room's commands.
pub const COMMANDS: &[Entry] = &[sync::<get::GetApiLimit>(), sync::<reset::ResetApiLimit>()];

/// How often accounts may call. Error: switched off.
async fn rate(cx: &Cx) -> Result<Rate> {
    let off = "This api is only available when api.throttling.enabled = true.";
    let access = Access::new(&cx.db.read(setting::changed).await?);
    access.rate.ok_or_else(|| Error::SwitchedOff(off.to_owned()))
}
