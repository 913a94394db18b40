//! `recoverVirtualMachine`: takes a destroyed instance back before it is expunged.

use super::view::VmView;
use crate::{command::prelude::*, domain::vm::VmEvent, store::vm};

/// `recoverVirtualMachine`.
#[derive(Debug)]
pub(super) struct RecoverVirtualMachine;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the instance
    id: Id<id::Vm>,
}

impl Command for RecoverVirtualMachine {
    const SPEC: Spec = Spec {
        name: "recoverVirtualMachine",
        about: "Takes a destroyed instance back; it is stopped and holds no devices",
        since: "0.1",
        roles: Role::EVERYONE,
        event: Some("VM.RECOVER"),
    };
    type Request = Request;
    type Response = One<VmView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { id } = request;
        cx.write(move |tx, _| {
            vm::advance(tx, id, VmEvent::Recover)?;
            Ok((Some((Kind::Vm, id.uuid())), ()))
        })
        .await?;
        Ok(One(cx.db.read(move |conn| vm::one(conn, id)).await?.into()))
    }
}
