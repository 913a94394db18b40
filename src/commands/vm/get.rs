//! `getVirtualMachineUserData`: the user data of an instance.

use super::view::UserDataView;
use crate::{command::prelude::*, store::vm};

/// `getVirtualMachineUserData`.
#[derive(Debug)]
pub(super) struct GetVirtualMachineUserData;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    virtual_machine_id: Id<id::Vm>,
}

impl Command for GetVirtualMachineUserData {
    const SPEC: Spec = Spec {
        name: "getVirtualMachineUserData",
        about: "Returns the user data of an instance",
        since: "4.4",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = One<UserDataView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { virtual_machine_id } = request;
        let user_data = cx.db.read(move |conn| vm::user_data(conn, virtual_machine_id)).await?;
        Ok(One(UserDataView { virtual_machine_id, user_data }))
    }
}
