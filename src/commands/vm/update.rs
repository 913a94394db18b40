//! `updateVirtualMachine`: names, details, and the user data of an instance that is stopped.

use super::{draft, not_here::UpdateNotHere, view::VmView};
use crate::{
    command::prelude::*,
    domain::{machine::Firmware, vm::VmState},
    store::{
        detail,
        vm::{self, Change},
    },
};

/// `updateVirtualMachine`.
#[derive(Debug)]
pub(super) struct UpdateVirtualMachine;

/// Its parameters.
#[derive(Debug, Clone, Params)]
pub(super) struct Request {
    /// the new name that its owner sees
    display_name: Option<String>,
    /// the ID of the instance
    id: Id<id::Vm>,
    /// the new user data in base64, for an instance that is stopped; empty: none
    #[param(max = 1_048_576, since = "4.16.0")]
    userdata: Option<String>,
    /// whether its owner sees the instance
    #[param(admin)]
    display_vm: Option<bool>,
    /// the new host name, which the guest learns at its first start
    #[param(since = "4.4")]
    name: Option<String>,
    /// all details: those that are not named go
    #[param(map = "first")]
    details: BTreeMap<String, String>,
    /// whether to remove all details
    cleanup_details: Option<bool>,
    /// elements to be added to the instance's definition from its next start on, where the operator allows them
    #[param(since = "4.12", max = 5120)]
    extra_config: Option<String>,
    #[param(group)]
    _not_here: UpdateNotHere,
}

impl Command for UpdateVirtualMachine {
    const SPEC: Spec = Spec {
        name: "updateVirtualMachine",
        about: "Changes names, details or user data of an instance",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.UPDATE"),
    };
    type Request = Request;
    type Response = One<VmView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let id = request.id;
        let name = request.name.as_deref().map(draft::host_name).transpose()?;
        let user_data = request.userdata.as_deref().map(draft::user_data).transpose()?;
        let details = draft::check_details(
            &request.details,
            request.extra_config.as_deref(),
            &cx.settings.extra_config,
        )?;
        let is_only_extra = request.details.is_empty();
        let change =
            Change { display_name: request.display_name, name, is_displayed: request.display_vm };
        let clean_up = request.cleanup_details.unwrap_or(false);
        cx.write(move |tx, _| {
            let now = vm::get(tx, id)?;
            vm::change(tx, id, &change)?;
            if let Some(text) = &user_data {
                if now.state != VmState::Stopped {
                    return Err(Error::Invalid(format!(
                        "the user data of instance {id} can be changed while it is stopped, it is {}",
                        now.state
                    )));
                }
                vm::set_user_data(tx, id, text.as_deref())?;
            }
            if is_only_extra && !clean_up {
                detail::put(tx, id, &details)?;
            } else {
                // what it boots by is not forgotten with the rest: its disk may know no other way
                let mut before = detail::of(tx, &[id])?.remove(&id).unwrap_or_default();
                before.retain(|name, _| name == Firmware::DETAIL);
                before.extend(if clean_up { BTreeMap::new() } else { details.clone() });
                detail::set(tx, id, &before)?;
            }
            Ok((Some((Kind::Vm, id.uuid())), ()))
        })
        .await?;
        Ok(One(cx.db.read(move |conn| vm::one(conn, id)).await?.into()))
    }
}
