//! Settings: those that something depends on, in force at once.

use crate::world::{World, site::instance};
use csgpu::hypervisor::fake::FakeShape;

#[actix_web::test]
async fn a_default_limit_binds_everyone_for_whom_nothing_was_set() {
    let world = World::new().await;
    let (joe, eve) = (world.user("joe").await, world.user("eve").await);
    let root = csgpu::store::seed::ROOT_DOMAIN.to_string();
    let own = [("account", "eve"), ("domainid", &*root), ("resourcetype", "16"), ("max", "9")];
    world.admin.ok("updateResourceLimit", &own).await;
    let words = [("name", "max.account.gpus"), ("value", "5")];
    let set = world.admin.ok("updateConfiguration", &words).await;
    let set = &set["configuration"];
    assert_eq!(
        (&set["value"], &set["defaultvalue"], &set["type"]),
        (&"5".into(), &"20".into(), &"Number".into())
    );
    let limit = async |client: &crate::world::Client| {
        client.ok("listAccounts", &[]).await["account"][0]["gpulimit"].clone()
    };
    assert_eq!((limit(&joe).await, limit(&eve).await), ("5".into(), "9".into()));
    assert_eq!(limit(&world.admin).await, "Unlimited");
    assert_eq!(limit(&world.user("new").await).await, "5");
    world.admin.ok("resetConfiguration", &[("name", "max.account.gpus")]).await;
    assert_eq!((limit(&joe).await, limit(&eve).await), ("20".into(), "9".into()));
    let found = world.admin.ok("listConfigurations", &[("keyword", "gpu")]).await;
    let names: Vec<&str> = found["configuration"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "gpu.detach.on.stop",
            "max.account.gpu.memory",
            "max.account.gpus",
            "max.domain.gpu.memory",
            "max.domain.gpus"
        ]
    );
    for (name, value) in
        [("max.account.gpus", "many"), ("max.account.gpus", "-2"), ("no.such", "1")]
    {
        let bad =
            world.admin.call("updateConfiguration", &[("name", name), ("value", value)]).await;
        assert_eq!(bad.status, 431, "{}", bad.text());
    }
}

#[actix_web::test]
async fn whether_a_stop_gives_devices_back_is_changed_while_the_service_runs() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h").gpus(2)]).await;
    let size = world.size("one", 1).await;
    let vm = instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&size)).await);
    let id = [("id", vm["id"].as_str().expect("an id"))];
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    assert_eq!(world.held().await, "Allocated");
    instance(&world.admin.call_async("startVirtualMachine", &id).await);
    let words = [("name", "gpu.detach.on.stop"), ("value", "TRUE")];
    assert_eq!(
        world.admin.ok("updateConfiguration", &words).await["configuration"]["value"],
        "true"
    );
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    assert_eq!(world.held().await, "");
    world.settle().await;
}
