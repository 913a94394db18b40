//! What CloudStack's commands take for an instance and csgpu has none of.

use crate::command::unmet::not_here;

not_here! {
    /// Of `deployVirtualMachine`.
    DeployNotHere {
        refused "diskofferingid" uuid "the offering of a data disk, but an instance has its root disk only";
        unused "size" long "the size of a data disk, which needs diskofferingid";
        refused "datadisksdetails" map "data disks, but an instance has its root disk only";
        refused "datadiskofferinglist" map "data disks, but an instance has its root disk only";
        refused "overridediskofferingid" uuid "another offering of the root disk, but rootdisksize is all that can be said of it";
        refused "volumeid" uuid "the volume to start from, but an instance is made of a template";
        refused "snapshotid" uuid "the snapshot to start from, but an instance is made of a template";
        refused "userdataid" uuid "registered user data, of which there is none: give it as userdata";
        refused "userdatadetails" map "words to fill into registered user data, of which there is none";
        refused "securitygroupids" list "security groups, of which there are none";
        refused "securitygroupnames" list "security groups, of which there are none";
        refused "ip6address" string "an IPv6 address, but networks have none";
        refused "dhcpoptionsnetworklist" map "DHCP options, which networks do not hand out";
        refused "nicnetworklist" map "the interfaces of an appliance: name networks in networkids or iptonetworklist";
        refused "properties" map "OVF properties, which templates do not have";
        refused "password" string "the password, which templates do not take: give a key pair or user data";
        refused "leaseduration" integer "the days until the instance ends by itself, which none does";
        unused "leaseexpiryaction" string "what happens at the end of leaseduration";
        refused "customid" string "the ID that the instance shall have, but each gets its own";
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        unused "group" string "the group that lists show the instance in";
        unused "keyboard" string "the keyboard of the console";
        unused "deploymentplanner" string "the planner; GPU offerings say how instances are placed";
        unused "dynamicscalingenabled" boolean "whether the running instance may be scaled, which none may";
        unused "bootintosetup" boolean "whether to enter the firmware's menu";
        unused "copyimagetags" boolean "whether the tags of the template become the instance's";
        unused "iothreadsenabled" boolean "whether disks have threads of their own";
        unused "iodriverpolicy" string "how disks are read and written";
        unused "nicmultiqueuenumber" integer "the number of queues of an interface";
        unused "nicpackedvirtqueuesenabled" boolean "whether the queues of interfaces are packed";
    }
}

not_here! {
    /// Of `updateVirtualMachine`.
    UpdateNotHere {
        refused "userdataid" uuid "registered user data, of which there is none: give it as userdata";
        refused "userdatadetails" map "words to fill into registered user data, of which there is none";
        refused "securitygroupids" list "security groups, of which there are none";
        refused "securitygroupnames" list "security groups, of which there are none";
        refused "dhcpoptionsnetworklist" map "DHCP options, which networks do not hand out";
        refused "deleteprotection" boolean "protection against being destroyed, which there is none of";
        refused "leaseduration" integer "the days until the instance ends by itself, which none does";
        unused "leaseexpiryaction" string "what happens at the end of leaseduration";
        refused "instancename" string "the name on the host, which stays";
        refused "customid" string "another ID of the instance, which stays";
        unused "group" string "the group that lists show the instance in";
        unused "haenable" boolean "whether it is started elsewhere when its host is lost; its offering says so";
        unused "isdynamicallyscalable" boolean "whether the running instance may be scaled, which none may";
        unused "ostypeid" uuid "the ID of the OS type; its template says so";
    }
}

not_here! {
    /// Of `startVirtualMachine`.
    StartNotHere {
        unused "considerlasthost" boolean "whether to start where it ran before; it starts where its disk is";
        unused "deploymentplanner" string "the planner; GPU offerings say how instances are placed";
        unused "bootintosetup" boolean "whether to enter the firmware's menu";
    }
}

not_here! {
    /// Of `destroyVirtualMachine`.
    DestroyNotHere {
        refused "volumeids" list "data disks to be deleted with it, but an instance has its root disk only";
    }
}
