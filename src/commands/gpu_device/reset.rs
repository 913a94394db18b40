//! `resetGpuDevice`: resets a device that nobody holds and has it proven clean, as after a release. Then it is free; with
//! any doubt it stays quarantined, and the job fails with the reason. While it lasts nobody gets the device.

use super::view::GpuDeviceView;
use crate::{
    command::{
        prelude::*,
        proof::{self, Subject},
    },
    domain::machine::Proof,
    hypervisor::{ExpectedDevice, HostAddress},
    store::{gpu_device, gpu_held, gpu_reset, vm},
};
use serde::{Deserialize, Serialize};

/// `resetGpuDevice`.
#[derive(Debug)]
pub(super) struct ResetGpuDevice;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the GPU device
    id: Id<id::GpuDevice>,
}

/// What the job must know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    device: Id<id::GpuDevice>,
    host: Id<id::Host>,
}

impl AsyncCommand for ResetGpuDevice {
    const SPEC: Spec = Spec {
        name: "resetGpuDevice",
        about: "Resets a GPU device that no instance holds and verifies that it is clean",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: Some("GPU.DEVICE.RESET"),
    };
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = Request;
    type Plan = Plan;
    type Response = One<GpuDeviceView>;

    fn admit(_: &Env, tx: &mut Tx<'_>, _: &Caller, request: &Request) -> Result<Admitted<Plan>> {
        let device = request.id;
        let host = gpu_reset::begin(tx, device)?;
        Ok(Admitted {
            plan: Plan { device, host },
            subject: Some((Kind::GpuDevice, device.uuid())),
            created: None,
            describe: Some(format!("resetting GPU device {device}")),
        })
    }

    async fn run(cx: &Cx, plan: &Plan) -> Result<Self::Response> {
        let Plan { device, host } = *plan;
        let read = move |tx: &mut Tx<'_>| {
            let is_kept = gpu_reset::is_kept(tx, device)?;
            Ok(gpu_held::describe(tx, device)?.filter(|_| is_kept))
        };
        if let Some(it) = cx.db.txn("gpu reset", read).await? {
            let (vendor_id, device_id) = (it.vendor_id, it.device_id);
            let expected = ExpectedDevice { vendor_id, device_id, driver: it.driver };
            let subject = Subject { host, reference: &it.reference, expected: &expected, vm: None };
            // after a crash this server may not have opened its hosts yet
            let address = cx.db.read(move |conn| vm::address(conn, host)).await?;
            let driver = cx.hosts.ensure_open(&HostAddress {
                host,
                name: address.name,
                uri: address.uri,
                host_key: address.host_key,
            })?;
            let proof = proof::prove(cx.wiring(), driver.as_ref(), subject).await?;
            let settled = proof.clone();
            cx.db.txn("gpu reset", move |tx| gpu_reset::settle(tx, device, &settled)).await?;
            if let Proof::Doubt(why) = proof {
                return Err(Error::Conflict(format!("GPU device {device} is quarantined: {why}")));
            }
        }
        let found = cx.db.read(move |conn| gpu_device::get(conn, device)).await?;
        let gone = || Error::NotFound { what: "GPU device", id: device.to_string() };
        Ok(One(found.ok_or_else(gone)?.into()))
    }

    /// Whether the reset was made is not known.
    async fn undo(cx: &Cx, plan: &Plan) -> Result<()> {
        let device = plan.device;
        let doubt = Proof::Doubt("its reset did not come to an end".to_owned());
        cx.db.txn("gpu reset", move |tx| gpu_reset::settle(tx, device, &doubt)).await
    }

    fn host(plan: &Plan) -> Option<Id<id::Host>> {
        Some(plan.host)
    }
}
