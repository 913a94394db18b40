//! What CloudStack's offerings have and csgpu's have not.

use crate::command::unmet::not_here;

not_here! {
    /// Of `createServiceOffering`.
    NotHere {
        refused "networkrate" integer "the Mb/s of an instance, which are not limited";
        refused "customizediops" boolean "whether the instance says its operations a second, which are not limited";
        refused "isvolatile" boolean "whether a reboot makes the root disk anew, which none does";
        refused "encryptroot" boolean "whether the root disk is encrypted, which none is";
        refused "diskofferingid" uuid "the offering of the root disk: rootdisksize and tags say what it is";
        refused "diskofferingstrictness" boolean "whether the root disk keeps to diskofferingid";
        refused "systemvmtype" string "what system instances it is for, of which there are none";
        refused "leaseduration" integer "the days until an instance ends by itself, which none does";
        unused "leaseexpiryaction" string "what happens at the end of leaseduration";
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        refused "storagepolicy" uuid "a policy of VMware's storage";
        unused "hypervisorsnapshotreserve" integer "the percents that are kept for snapshots, of which there are none";
        unused "deploymentplanner" string "the planner; GPU offerings say how instances are placed";
        unused "dynamicscalingenabled" boolean "whether running instances may be scaled, which none may";
        unused "purgeresources" boolean "whether nothing of expunged instances is kept";
    }
}
