//! Cards cut into MIG instances: every claim gets a legal place of its own, whoever else claims at the same time.

use crate::{
    gpu_claim::join_all,
    world::{
        World,
        site::{Site, instance},
    },
};
use csgpu::{domain::catalogue::mig_of, hypervisor::fake::FakeShape};
use std::collections::HashMap;

const TYPES: [(&str, &str); 4] = [
    ("nvidia-701", "NVIDIA A100D-1-10C"),
    ("nvidia-702", "NVIDIA A100D-2-20C"),
    ("nvidia-703", "NVIDIA A100D-3-40C"),
    ("nvidia-704", "NVIDIA A100D-4-40C"),
];

/// A host whose GPUs can be cut, and an offering for one instance of each type.
async fn world(gpus: u32) -> (World, Site, Vec<String>) {
    let world = World::new().await;
    let shape = TYPES
        .iter()
        .fold(FakeShape::new("h1").gpus(gpus), |shape, (id, name)| shape.mig_type(id, name));
    let site = world.site([shape]).await;
    let mut sizes = Vec::new();
    for (_, name) in TYPES {
        let query = format!("SELECT id AS text FROM vgpu_profile WHERE name = '{name}'");
        let profile = world.texts(&query).await.remove(0);
        let words = [
            ("name", name),
            ("cpunumber", "1"),
            ("cpuspeed", "100"),
            ("memory", "64"),
            ("vgpuprofileid", &profile),
        ];
        let made = world.admin.ok("createServiceOffering", &words).await;
        sizes.push(made["serviceoffering"]["id"].as_str().expect("an id").to_owned());
    }
    (world, site, sizes)
}

/// The instances on each GPU: (profile, where it starts). Each starts where it may, and no two overlap.
async fn layouts(world: &World) -> HashMap<String, Vec<(String, u8)>> {
    let rows = world
        .texts(
            "SELECT CONCAT_WS('|', d.parent_id, COALESCE(d.mig_start, 'nowhere'), p.name) AS text FROM gpu_device d
            JOIN vgpu_profile p ON p.id = d.profile_id WHERE d.on_demand = 1 AND d.alive = 1 ORDER BY 1",
        )
        .await;
    let mut found: HashMap<String, Vec<(String, u8)>> = HashMap::new();
    let mut taken: HashMap<String, u32> = HashMap::new();
    for row in rows {
        let words: Vec<&str> = row.split('|').collect();
        let (gpu, start, name) = (words[0], words[1].parse::<u8>().expect("a start"), words[2]);
        let mig = mig_of("10de", "20b2", name).expect("a MIG profile");
        assert!(mig.starts.contains(&start), "{name} may not start at {start}");
        let covered = ((1_u32 << mig.slices) - 1) << start;
        let before = taken.entry(gpu.to_owned()).or_default();
        assert_eq!(*before & covered, 0, "{row} overlaps another");
        *before |= covered;
        found.entry(gpu.to_owned()).or_default().push((name.to_owned(), start));
    }
    found
}

async fn destroy(world: &World, vm: &str) {
    let words = [("id", vm), ("expunge", "true")];
    instance(&world.admin.call_async("destroyVirtualMachine", &words).await);
}

#[actix_web::test]
async fn a_start_writes_where_its_slice_lies_and_a_release_frees_it() {
    let (world, site, sizes) = world(1).await;
    let mut vms = Vec::new();
    let deploy = async |size: usize| {
        world.admin.call_async("deployVirtualMachine", &site.deploy(&sizes[size])).await
    };
    // 3g, 2g, 1g and 1g fill a card of seven in eight, each where it leaves room for the next
    for size in [2, 1, 0, 0] {
        let vm = instance(&deploy(size).await);
        assert_eq!(vm["state"], "Running");
        vms.push(vm["id"].as_str().expect("an id").to_owned());
        let all = layouts(&world).await;
        assert_eq!(all.values().map(Vec::len).sum::<usize>(), vms.len(), "{all:?}");
    }
    assert_eq!(site.racks[0].fake.mdevs().len(), 4);
    let full = world.admin.call("deployVirtualMachine", &site.deploy(&sizes[1])).await;
    assert_eq!(full.status, 533, "{}", full.text());
    // a look at the host changes nothing of it
    let before = layouts(&world).await;
    world.look(&site.racks[0]).await.expect("the host answers");
    assert_eq!(layouts(&world).await, before);
    // the place of the 2g is free again, and a stop and a start keep what the others have
    destroy(&world, &vms.remove(1)).await;
    world.look(&site.racks[0]).await.expect("the host answers");
    let id = [("id", vms[0].as_str()), ("forced", "true")];
    instance(&world.admin.call_async("stopVirtualMachine", &id).await);
    instance(&world.admin.call_async("startVirtualMachine", &id[..1]).await);
    let vm = instance(&deploy(1).await);
    vms.push(vm["id"].as_str().expect("an id").to_owned());
    assert_eq!(layouts(&world).await, before, "the same place");
    for vm in &vms {
        destroy(&world, vm).await;
    }
    assert!(layouts(&world).await.is_empty() && site.racks[0].fake.mdevs().is_empty());
    let kind = world.texts("SELECT device_type AS text FROM gpu_device WHERE alive = 1").await;
    assert_eq!(kind, ["PCI"], "whole again");
    world.settle().await;
}

#[actix_web::test]
async fn slices_claimed_at_once_never_overlap() {
    let (world, site, sizes) = world(2).await;
    let (world, site) = (&world, &site);
    for round in 0..3 {
        let wanted = (0..14).map(|n| &sizes[[0, 1, 2, 0, 3, 1, 0][(n + round) % 7]]);
        let jobs = join_all(wanted.map(|size| async move {
            let answer = world.admin.call("deployVirtualMachine", &site.deploy(size)).await;
            assert!([200, 533].contains(&answer.status), "{}", answer.text());
            let id = answer.inner()["id"].as_str().map(str::to_owned);
            (answer.status == 200).then_some(id).flatten()
        }))
        .await;
        let vms: Vec<String> = jobs.into_iter().flatten().collect();
        world.settle().await;
        let all = layouts(world).await;
        let count = all.values().map(Vec::len).sum::<usize>();
        assert!(count == vms.len() && count >= 6, "round {round}: {all:?}");
        let fake = &site.racks[0].fake;
        assert_eq!((fake.mdevs().len(), fake.running().len()), (count, count));
        join_all(vms.iter().map(|vm| destroy(world, vm))).await;
        world.look(&site.racks[0]).await.expect("the host answers");
        assert!(layouts(world).await.is_empty());
    }
    world.settle().await;
}
