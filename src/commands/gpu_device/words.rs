//! What administrators write about devices, as values.

use super::view::GpuDeviceView;
use crate::{
    command::prelude::*,
    domain::gpu::{DeviceType, ManagedState, PciAddress},
    store::{
        Window, gpu_change,
        gpu_device::{self, Filter},
        gpu_drain,
    },
};
use uuid::Uuid;

/// Some devices.
#[derive(Debug, Params)]
pub(super) struct Devices {
    /// the IDs of the GPU devices, joined by commas
    #[param(required)]
    ids: Vec<Id<id::GpuDevice>>,
}

impl Devices {
    /// Keeps new instances off them, or not any more; the devices, with who still holds them.
    pub(super) async fn drain(self, cx: &Cx, is_draining: bool) -> Result<List<GpuDeviceView>> {
        let ids = self.ids;
        let devices = cx
            .write(move |tx, _| {
                gpu_drain::devices(tx, &ids, is_draining)?;
                let filter = Filter { ids: ids.clone(), ..Filter::default() };
                let devices = gpu_device::list(tx, &filter, &Window::ALL)?.1;
                Ok((ids.first().map(|id| (Kind::GpuDevice, id.uuid())), devices))
            })
            .await?;
        Ok(List::whole(devices.into_iter().map(GpuDeviceView::from).collect()))
    }

    /// Lets the cloud have them, or not.
    pub(super) async fn set(self, cx: &Cx, managed: ManagedState) -> Result<Success> {
        let ids = self.ids;
        cx.write(move |tx, _| {
            gpu_change::set_managed(tx, &ids, managed)?;
            Ok((ids.first().map(|id| (Kind::GpuDevice, id.uuid())), ()))
        })
        .await?;
        Ok(Success::YES)
    }
}

/// `PCI`, `MDEV` or `VGPUOnly`, in any case.
pub(super) fn device_type(word: &str) -> Result<DeviceType> {
    let known = DeviceType::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word));
    known.copied().ok_or_else(|| {
        Error::Invalid(format!("Invalid GPU device type: {word}, it is one of PCI, MDEV, VGPUOnly"))
    })
}

/// A NUMA node; -1 and blank: unknown.
pub(super) fn numa_node(word: &str) -> Result<Option<i32>> {
    match word.trim() {
        "" | "-1" => Ok(None),
        word => match word.parse::<u16>() {
            Ok(node) => Ok(Some(i32::from(node))),
            Err(_) => {
                Err(Error::Invalid(format!("{word} is no NUMA node: write its number, or -1")))
            }
        },
    }
}

/// The canonical bus address of a device of this type, and its PCI function where it is one.
pub(super) fn address(kind: DeviceType, text: &str) -> Result<(String, Option<PciAddress>)> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("Bus address cannot be empty"));
    }
    if kind == DeviceType::MDEV {
        let uuid = Uuid::try_parse(text).map_err(|_| {
            Error::Invalid(format!("{text} is no UUID, which is the address of an MDEV device"))
        })?;
        return Ok((uuid.hyphenated().to_string(), None));
    }
    let address: PciAddress = text.to_lowercase().parse().map_err(Error::Invalid)?;
    Ok((address.to_string(), Some(address)))
}
