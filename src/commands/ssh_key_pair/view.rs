//! The `sshkeypair` object, which single answers call `keypair`.

use crate::{
    command::{OwnerFields, prelude::*},
    commands::annotation::view::{HasAnnotations, annotated_view},
    store::ssh_key_pair::Listed,
};

/// A key pair in a list.
#[derive(Debug, View)]
#[view(object = "sshkeypair")]
pub struct SshKeyPairView {
    /// the ID of the key pair
    id: Id<id::SshKeyPair>,
    /// the name of the key pair
    name: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the owner's domain
    domain_id: Id<id::Domain>,
    /// the name of the owner's domain
    domain: String,
    /// the fingerprint of the public key
    fingerprint: String,
    /// whether the key pair has annotations
    has_annotations: HasAnnotations,
}

annotated_view!(SshKeyPairView, id::SshKeyPair);

/// A key pair that was just made.
#[derive(Debug, View)]
#[view(object = "keypair")]
pub struct MadeView {
    /// the private key; it is not kept and cannot be asked for again
    private_key: Option<String>,
    /// the ID of the key pair
    id: Id<id::SshKeyPair>,
    /// the name of the key pair
    name: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the owner's domain
    domain_id: Id<id::Domain>,
    /// the name of the owner's domain
    domain: String,
    /// the fingerprint of the public key
    fingerprint: String,
    /// whether the key pair has annotations
    has_annotations: bool, // a new one has none
}

impl From<Listed> for SshKeyPairView {
    fn from(listed: Listed) -> Self {
        let Listed { id, name, owner, domain_id, domain, fingerprint } = listed;
        Self {
            id,
            name,
            owner: owner.into(),
            domain_id,
            domain,
            fingerprint,
            has_annotations: HasAnnotations::default(),
        }
    }
}

impl MadeView {
    /// The key pair, with its private key if it was made here.
    pub fn of(listed: Listed, private_key: Option<String>) -> Self {
        let Listed { id, name, owner, domain_id, domain, fingerprint } = listed;
        Self {
            private_key,
            id,
            name,
            owner: owner.into(),
            domain_id,
            domain,
            fingerprint,
            has_annotations: false,
        }
    }
}
