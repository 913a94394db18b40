//! Who else is in a GPU's IOMMU group: parts that travel with it, other GPUs, and strangers that cannot.
//!
//! The kernel gives a group away as a whole (Linux VFIO documentation, "Groups, Devices, and IOMMUs"). Bridges stay
//! with the host. Sound and USB of the same board travel along; anything else in the group is a stranger, because
//! giving it away would take it from the host.

use super::{PciAddress, inventory::View, rules::Sort};
use crate::domain::machine::SeenFunction;

/// The other members of a function's IOMMU group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// They travel with this function.
    pub(super) companions: Vec<PciAddress>,
    /// Other GPUs.
    pub(super) peers: Vec<PciAddress>,
    /// Strangers, with what they are.
    pub(super) foreign: Vec<(PciAddress, String)>,
}

impl Group {
    pub(super) fn of(function: &SeenFunction, view: &View<'_>) -> Self {
        let mut group = Self::default();
        let mut members = function.group_members.clone();
        members.sort_unstable();
        members.dedup();
        for &address in members.iter().filter(|&&m| m != function.address) {
            let Some(member) = view.function(address) else {
                group.foreign.push((address, "a function that the host did not show".into()));
                continue;
            };
            if is_bridge(member) {
                continue;
            }
            match view.sort(address) {
                Sort::Gpu if function.physical == Some(address) => {
                    group.foreign.push((address, "its own physical function".into()));
                }
                Sort::Gpu => group.peers.push(address),
                _ => match board(member, &members, view) {
                    Some(owner) if owner == function.address => group.companions.push(address),
                    Some(_) => {}
                    None => group.foreign.push((address, what_it_is(member))),
                },
            }
        }
        group
    }
}

/// The GPU of the group on whose board a travelling function sits: the lowest of the same slot.
fn board(member: &SeenFunction, members: &[PciAddress], view: &View<'_>) -> Option<PciAddress> {
    let slot = |a: PciAddress| (a.domain, a.bus, a.slot);
    let travels = matches!(member.class, 0x0400..=0x04ff | 0x0c03 | 0x0c80);
    members
        .iter()
        .copied()
        .filter(|_| travels)
        .find(|&m| slot(m) == slot(member.address) && view.sort(m) == Sort::Gpu)
}

/// PCI bridges have no address space of their own to share; a host bridge without a driver is inert.
fn is_bridge(member: &SeenFunction) -> bool {
    matches!(member.class, 0x0604 | 0x0609) || (member.class == 0x0600 && member.driver.is_none())
}

fn what_it_is(member: &SeenFunction) -> String {
    let kind = match member.class >> 8 {
        0x01 => "storage controller",
        0x02 => "network controller",
        0x03 => "display chip",
        0x04 => "sound or video device",
        0x06 => "bridge",
        0x0c => "USB or serial bus controller",
        _ => "device",
    };
    let product = member.product.trim();
    if product.is_empty() { kind.to_owned() } else { format!("{kind} {product}") }
}
