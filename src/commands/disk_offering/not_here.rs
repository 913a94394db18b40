//! What CloudStack's disk offerings have and csgpu's have not.

use crate::command::unmet::not_here;

not_here! {
    /// Of `createDiskOffering`.
    NotHere {
        refused "domainid" list "the domains it is for, but a disk offering is for everyone";
        refused "zoneid" list "the zones it is for, but a disk offering is for all";
        refused "customizediops" boolean "whether the disk says its operations a second, which are not limited";
        refused "storagepolicy" uuid "a policy of VMware's storage";
        unused "storagetype" string "the kind of storage: shared or local";
        unused "provisioningtype" string "how disks are provisioned; all are thin";
        unused "displayoffering" boolean "whether users see it; all do";
        unused "disksizestrictness" boolean "whether disks keep their size";
        unused "hypervisorsnapshotreserve" integer "the percents that are kept for snapshots, of which there are none";
        unused "details" map "details by name";
    }
}
