//! What CloudStack's commands take and csgpu has not: told in `listApis`, and refused where it asks for something.

use crate::world::{
    World,
    site::{Site, instance},
};
use csgpu::{command::Registry, commands::ROOMS, hypervisor::fake::FakeShape};

async fn small() -> (World, Site, String) {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let size = world.size("one", 1).await;
    (world, site, size)
}

/// What the web UI's forms look up in a command's description; one that is not there leaves the form blank.
const FORMS: &[(&str, &str)] = &[
    ("deployVirtualMachine", "externaldetails"),
    (
        "updateVirtualMachine",
        "deleteprotection displayname group haenable isdynamicallyscalable name ostypeid userdata",
    ),
    ("startVirtualMachine", "bootintosetup clusterid considerlasthost hostid podid"),
    ("scaleVirtualMachine", "automigrate"),
    ("destroyVirtualMachine", "expunge volumeids"),
    ("createSSHKeyPair", "account domainid name"),
    (
        "createServiceOffering",
        "bytesreadrate byteswriterate cachemode cpunumber cpuspeed customizediops deploymentplanner diskofferingstrictness \
         displaytext domainid dynamicscalingenabled encryptroot externaldetails gpucount gpudisplay hosttags \
         hypervisorsnapshotreserve iopsreadrate iopswriterate isvolatile limitcpuuse maxcpunumber maxiops maxmemory memory \
         mincpunumber miniops minmemory name networkrate offerha provisioningtype purgeresources rootdisksize storagepolicy \
         storagetype systemvmtype tags zoneid",
    ),
    (
        "createDiskOffering",
        "bytesreadrate bytesreadratemax byteswriterate byteswriteratemax cachemode customized customizediops disksize \
         disksizestrictness displaytext domainid encrypt hypervisorsnapshotreserve iopsreadrate iopswriterate maxiops \
         miniops name provisioningtype storagepolicy storagetype tags zoneid",
    ),
    (
        "createNetwork",
        "account asnumber associatednetworkid bypassvlanoverlapcheck cidrsize displaytext dns1 dns2 domainid endip endipv6 \
         externalid gateway hideipaddressusage ip6cidr ip6dns1 ip6dns2 ip6gateway isolatedpvlan isolatedpvlantype name \
         netmask networkdomain networkofferingid physicalnetworkid privatemtu projectid publicmtu routerip routeripv6 \
         sourcenatipaddress startip startipv6 subdomainaccess vlan vpcid zoneid",
    ),
    (
        "updateNetwork",
        "changecidr displaynetwork displaytext dns1 dns2 forced guestvmcidr ip6dns1 ip6dns2 name networkdomain \
         networkofferingid privatemtu publicmtu sourcenatipaddress updateinsequence",
    ),
    (
        "createAccount",
        "account domainid email firstname lastname networkdomain password roleid timezone username",
    ),
    ("updateAccount", "apikeyaccess networkdomain newname roleid"),
    ("createUser", "account domainid email firstname lastname password timezone username"),
    (
        "updateUser",
        "apikeyaccess currentpassword email firstname lastname password timezone username",
    ),
    ("createRole", "description ispublic name roleid type"),
    ("addHost", "externaldetails"),
    ("updateHost", "externaldetails istagarule name oscategoryid"),
    ("addCluster", "arch clustername extensionid externaldetails hypervisor podid zoneid"),
    ("updateCluster", "arch clustername externaldetails"),
    ("updatePod", "name"),
    (
        "updateZone",
        "dns1 dns2 domain guestcidraddress internaldns1 internaldns2 ip6dns1 ip6dns2 localstorageenabled name",
    ),
    (
        "createStoragePool",
        "capacitybytes capacityiops clusterid hypervisor managed name podid provider scope tags url zoneid",
    ),
    ("updateStoragePool", "capacitybytes capacityiops istagarule name tags"),
    (
        "registerTemplate",
        "account arch checksum deployasis directdownload displaytext domainid extensionid externaldetails format hypervisor \
         name ostypeid templatetag templatetype url zoneid zoneids",
    ),
    (
        "updateTemplate",
        "arch displaytext forceupdateostype forcks isdynamicallyscalable name ostypeid passwordenabled templatetag \
         templatetype",
    ),
];

#[test]
fn what_forms_look_up_is_described() {
    let registry = Registry::new(ROOMS);
    for (command, names) in FORMS {
        let entry = registry.find(command).expect(command);
        let params = (entry.params)();
        for name in names.split_whitespace() {
            assert!(params.iter().any(|param| param.name == name), "{command} {name}");
        }
        let mut all: Vec<_> = params.iter().map(|param| param.name).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "{command} describes something twice");
    }
}

#[actix_web::test]
async fn who_asks_for_what_is_not_there_is_told() {
    let (world, site, size) = small().await;
    let before = world.fingerprint();
    let cases = [
        ("diskofferingid", "01920000-0000-7000-8000-000000000500", "root disk only"),
        ("userdataid", "01920000-0000-7000-8000-000000000500", "give it as userdata"),
        ("securitygroupnames", "default", "there are none"),
        ("datadisksdetails[0].size", "10", "root disk only"),
        ("leaseduration", "3", "ends by itself"),
        ("password", "open sesame", "give a key pair"),
    ];
    for (name, value, why) in cases {
        for command in ["deployVirtualMachine", "explainPlacement"] {
            let mut words = site.deploy(&size);
            words.push((name, value));
            let answer = world.admin.call(command, &words).await;
            let plain = name.split('[').next().unwrap_or_default();
            assert_eq!(answer.status, 431, "{name}: {}", answer.text());
            let begins = answer.error().starts_with(&format!("{plain} cannot be had here: "));
            assert!(begins && answer.error().contains(why), "{}", answer.error());
            assert!(!answer.text().contains("sesame"));
        }
    }
    let base = [("name", "x"), ("cpunumber", "1"), ("cpuspeed", "500"), ("memory", "128")];
    for (name, value) in
        [("networkrate", "200"), ("encryptroot", "true"), ("cachemode", "writeback")]
    {
        let answer = world
            .admin
            .call("createServiceOffering", &[&base[..], &[(name, value)]].concat())
            .await;
        assert_eq!(answer.status, 431, "{name}: {}", answer.text());
    }
    let answer = world
        .admin
        .call("createServiceOffering", &[&base[..], &[("networkrate", "12x")]].concat())
        .await;
    assert!(
        answer.error().contains("invalid value 12x for parameter networkrate"),
        "{}",
        answer.error()
    );
    let disks =
        [("name", "x"), ("disksize", "1"), ("domainid", "01920000-0000-7000-8000-000000000001")];
    assert_eq!(world.admin.call("createDiskOffering", &disks).await.status, 431);
    assert_eq!(world.fingerprint(), before, "a refused request changed something");
}

#[actix_web::test]
async fn what_forms_send_when_nothing_was_chosen_is_taken() {
    let (world, site, size) = small().await;
    let mut words = site.deploy(&size);
    words.extend([
        ("diskofferingid", ""),
        ("keyboard", "us"),
        ("dynamicscalingenabled", "true"),
        ("leaseduration", "-1"),
        ("iothreadsenabled", "False"),
        ("group", "mine"),
    ]);
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    let id = vm["id"].as_str().expect("an id");
    let words =
        [("id", id), ("displayname", "new"), ("deleteprotection", "false"), ("haenable", "false")];
    world.admin.ok("updateVirtualMachine", &words).await;
    let words = [("id", id), ("expunge", "true"), ("volumeids", "")];
    let job = world.admin.call_async("destroyVirtualMachine", &words).await;
    assert_eq!(job["jobstatus"], 1, "{job}");
    let words = [
        ("name", "x"),
        ("cpunumber", "1"),
        ("cpuspeed", "500"),
        ("memory", "128"),
        ("deploymentplanner", "FirstFitPlanner"),
        ("cachemode", "none"),
        ("encryptroot", "false"),
        ("diskofferingstrictness", "false"),
        ("isvolatile", "false"),
        ("dynamicscalingenabled", "true"),
    ];
    world.admin.ok("createServiceOffering", &words).await;
    world.settle().await;
}

/// A text may have 255 characters, some columns hold fewer: the answer names what is too long.
#[actix_web::test]
async fn what_no_column_holds_is_refused_by_name() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(1)]).await;
    let long = "x".repeat(255);
    let before = world.fingerprint();
    let user = [
        ("username", "a"),
        ("password", "b"),
        ("email", "c"),
        ("firstname", "d"),
        ("lastname", "e"),
        ("account", "admin"),
        ("timezone", &long),
    ];
    let answer = world.admin.call("createUser", &user).await;
    assert_eq!(
        (answer.status, answer.error()),
        (431, "the value for timezone is longer or larger than can be kept")
    );
    let cloud = &site.zone;
    let answer = world.admin.call("addImageStore", &[("provider", &long), ("zoneid", cloud)]).await;
    assert_eq!(answer.status, 431, "{}", answer.text());
    assert_eq!(world.fingerprint(), before);
}

/// The memory of GPUs is summed for limits and usage: no profile may have more than sums can hold.
#[actix_web::test]
async fn the_memory_of_a_gpu_stays_a_number_that_can_be_summed() {
    let (world, site, size) = small().await;
    let listed = world.admin.ok("listServiceOfferings", &[("id", &size)]).await;
    let profile =
        listed["serviceoffering"][0]["vgpuprofileid"].as_str().expect("a profile").to_owned();
    let huge = i64::MAX.to_string();
    let words = [("id", profile.as_str()), ("videoram", huge.as_str())];
    let refused = world.admin.call("updateVgpuProfile", &words).await;
    assert_eq!(refused.status, 431, "{}", refused.text());
    assert!(
        refused.error().ends_with("videoram cannot be more than 1073741824"),
        "{}",
        refused.error()
    );
    let card = [
        ("deviceid", "1234"),
        ("vendorid", "10de"),
        ("devicename", "a"),
        ("vendorname", "b"),
        ("name", "c"),
        ("videoram", huge.as_str()),
    ];
    assert_eq!(world.admin.call("createGpuCard", &card).await.status, 431);
    world.admin.ok("updateVgpuProfile", &[("id", &profile), ("videoram", "1073741824")]).await;
    for name in ["a", "b"] {
        let mut words = site.deploy(&size);
        words.push(("name", name));
        instance(&world.admin.call_async("deployVirtualMachine", &words).await);
    }
    world.settle().await;
}
