//! What CloudStack's networks have and csgpu's have not.

use crate::command::unmet::not_here;

not_here! {
    /// Of `createNetwork`.
    CreateNotHere {
        refused "vpcid" uuid "the VPC it is a tier of, but there are no VPCs";
        refused "aclid" uuid "the access list, of which there are none";
        refused "associatednetworkid" uuid "the network that its instances reach the world by, which there is none of";
        refused "dns1" string "a name server of its own: the zone's are used";
        refused "dns2" string "a name server of its own: the zone's are used";
        refused "ip6dns1" string "an IPv6 name server, but networks have no IPv6";
        refused "ip6dns2" string "an IPv6 name server, but networks have no IPv6";
        refused "ip6gateway" string "the IPv6 gateway, but networks have no IPv6";
        refused "ip6cidr" string "the IPv6 range, but networks have no IPv6";
        refused "startipv6" string "the first IPv6 address, but networks have none";
        refused "endipv6" string "the last IPv6 address, but networks have none";
        refused "routerip" string "the address of a router, but networks have no routers";
        refused "routeripv6" string "the address of a router, but networks have no routers";
        refused "sourcenatipaddress" string "the address that instances are seen by, but it is their host's";
        refused "isolatedpvlan" string "the private VLAN, which bridges do not have";
        unused "isolatedpvlantype" string "the kind of isolatedpvlan";
        refused "cidrsize" integer "the size of a range that is drawn: say gateway and netmask";
        refused "asnumber" long "the number of an autonomous system, but networks are not routed";
        refused "bgppeerids" list "BGP peers, but networks are not routed";
        unused "publicmtu" integer "the MTU of a router's outer side, which there is none of";
        unused "privatemtu" integer "the MTU of a router's inner side, which there is none of";
        unused "externalid" string "its ID elsewhere";
        unused "displaynetwork" boolean "whether its owner sees it; all do";
        unused "subdomainaccess" boolean "whether the domains below may use it, which they may";
        unused "hideipaddressusage" boolean "whether the addresses in use are hidden";
        unused "bypassvlanoverlapcheck" boolean "whether two networks may have one VLAN, which they may";
    }
}

not_here! {
    /// Of `updateNetwork`.
    UpdateNotHere {
        refused "guestvmcidr" string "the part of the range that instances get: say so when it is created";
        refused "dns1" string "a name server of its own: the zone's are used";
        refused "dns2" string "a name server of its own: the zone's are used";
        refused "ip6dns1" string "an IPv6 name server, but networks have no IPv6";
        refused "ip6dns2" string "an IPv6 name server, but networks have no IPv6";
        refused "sourcenatipaddress" string "the address that instances are seen by, but it is their host's";
        refused "customid" string "another ID of the network, which stays";
        unused "changecidr" boolean "whether another offering may change the range";
        unused "publicmtu" integer "the MTU of a router's outer side, which there is none of";
        unused "privatemtu" integer "the MTU of a router's inner side, which there is none of";
        unused "displaynetwork" boolean "whether its owner sees it; all do";
        unused "hideipaddressusage" boolean "whether the addresses in use are hidden";
        unused "updateinsequence" boolean "whether routers change one after the other, which there are none of";
        unused "forced" boolean "whether routers are changed at any cost, which there are none of";
    }
}
