//! Typed ids: a UUID that says what it names, minted in order of time.

use std::{fmt, marker::PhantomData, str::FromStr};
use uuid::Uuid;

/// A noun that has ids.
pub trait Entity: 'static {
    /// Which noun.
    const KIND: Kind;
}

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident $object:literal $kind_name:literal;)*) => {
        /// Every noun that has an id on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name),* }
        impl Kind {
            /// Every noun.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The name of its object in answers: `gpudevice`.
            pub const fn object(self) -> &'static str { match self { $(Self::$name => $object),* } }
            /// CloudStack's resource type, as in `jobinstancetype`: `VirtualMachine`.
            pub const fn resource(self) -> &'static str { match self { $(Self::$name => $kind_name),* } }
        }
        impl FromStr for Kind {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($kind_name => Ok(Self::$name),)* _ => Err(()) }
            }
        }
        $($(#[$doc])* #[derive(Debug)] pub enum $name {}
        impl Entity for $name { const KIND: Kind = Kind::$name; })*
    };
}

entities! {
    /// A domain of the tenancy tree.
    Domain "domain" "Domain";
    /// An account: the owner of things.
    Account "account" "Account";
    /// A user of an account.
    User "user" "User";
    /// A role: what its users may call.
    Role "role" "Role";
    /// A project: an account that several share.
    Project "project" "Project";
    /// One rule of a role.
    RolePermission "rolepermission" "RolePermission";
    /// A zone.
    Zone "zone" "Zone";
    /// A pod of a zone.
    Pod "pod" "Pod";
    /// A cluster of a pod.
    Cluster "cluster" "Cluster";
    /// A host of a cluster.
    Host "host" "Host";
    /// A primary storage pool.
    StoragePool "storagepool" "StoragePool";
    /// An image store: where templates are kept.
    ImageStore "imagestore" "ImageStore";
    /// A template.
    Template "template" "Template";
    /// An operating system type.
    OsType "ostype" "GuestOs";
    /// An operating system category.
    OsCategory "oscategory" "GuestOsCategory";
    /// A network offering.
    NetworkOffering "networkoffering" "NetworkOffering";
    /// A network.
    Network "network" "Network";
    /// A network interface of an instance.
    Nic "nic" "Nic";
    /// A physical network of a zone.
    PhysicalNetwork "physicalnetwork" "PhysicalNetwork";
    /// What travels on a physical network.
    TrafficType "traffictype" "TrafficType";
    /// A service (compute) offering.
    ServiceOffering "serviceoffering" "ServiceOffering";
    /// A disk offering.
    DiskOffering "diskoffering" "DiskOffering";
    /// A volume.
    Volume "volume" "Volume";
    /// An instance.
    Vm "virtualmachine" "VirtualMachine";
    /// A registered SSH key pair.
    SshKeyPair "sshkeypair" "SshKeyPair";
    /// An affinity group: instances that shall share a host, or shall not.
    AffinityGroup "affinitygroup" "AffinityGroup";
    /// A GPU card: a hardware model.
    GpuCard "gpucard" "GpuCard";
    /// A vGPU profile: a way to consume a card.
    VgpuProfile "vgpuprofile" "VgpuProfile";
    /// A GPU device: one assignable thing on one host.
    GpuDevice "gpudevice" "GpuDevice";
    /// A GPU offering.
    GpuOffering "gpuoffering" "GpuOffering";
    /// An asynchronous job.
    Job "asyncjobs" "AsyncJob";
    /// A management server.
    Server "managementserver" "ManagementServer";
    /// An event.
    Event "event" "Event";
    /// An alert.
    Alert "alert" "Alert";
    /// A disagreement between a host and the books.
    GpuDrift "gpudrift" "GpuDrift";
}

/// A role of a project. It is known in its project only, so it is no [`Kind`].
#[derive(Debug)]
pub enum ProjectRole {}

/// An invitation to a project. Who is invited sees it without seeing the project, so it is no [`Kind`] either.
#[derive(Debug)]
pub enum ProjectInvitation {}

/// One rule of a role of a project.
#[derive(Debug)]
pub enum ProjectRolePermission {}

/// The id of one `T`.
pub struct Id<T>(Uuid, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// A new id; later ones sort after earlier ones (UUID version 7).
    pub fn mint() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }
    /// The id with this UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
    /// Its UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}
impl<T> FromStr for Id<T> {
    type Err = String;
    /// Only the form of 36 characters is an id.
    fn from_str(text: &str) -> Result<Self, String> {
        match Uuid::try_parse(text) {
            Ok(uuid) if text.len() == 36 => Ok(Self::from_uuid(uuid)),
            _ => Err(format!("{text} is no id")),
        }
    }
}
impl<T> serde::Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut buffer))
    }
}
impl<'de, T> serde::Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
