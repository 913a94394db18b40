//! What things are called on hosts: made of ids alone, never of user text.

use crate::domain::{Id, id};

/// The libvirt pool of a storage pool.
pub fn pool(id: Id<id::StoragePool>) -> String {
    format!("csgpu-{id}")
}

/// A template's copy in a pool.
pub fn template(id: Id<id::Template>) -> String {
    id.to_string()
}

/// A volume of an instance.
pub fn volume(id: Id<id::Volume>) -> String {
    id.to_string()
}

/// The cloud-init seed disk of an instance.
pub fn seed(id: Id<id::Vm>) -> String {
    format!("{id}-seed")
}

/// The libvirt network of a network.
pub fn network(id: Id<id::Network>) -> String {
    format!("csgpu-{}", tail(id))
}

/// The bridge of a network; an interface's name has at most 15 characters.
pub fn bridge(id: Id<id::Network>) -> String {
    format!("cs{}", tail(id))
}

/// The name of an instance's domain: unique by the random end of its id.
pub fn instance(account_number: i64, id: Id<id::Vm>) -> String {
    format!("i-{account_number}-{}-VM", id.uuid().as_u128() & 0xff_ffff_ffff)
}

/// The last twelve digits of an id: the random ones, its first tell the time.
fn tail<T>(id: Id<T>) -> String {
    format!("{:012x}", id.uuid().as_u128() & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_fits_an_interface() {
        let one = Id::mint();
        assert_eq!(bridge(one).len(), 14);
        assert_ne!(bridge(one), bridge(Id::mint()));
        assert!(network(one).ends_with(&bridge(one)[2..]));
    }

    #[test]
    fn an_instance_is_named_after_its_account_and_id() {
        let id = Id::from_uuid(uuid::Uuid::from_u128(0x33));
        assert_eq!(instance(2, id), "i-2-51-VM");
    }
}
