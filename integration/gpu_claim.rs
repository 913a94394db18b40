//! The claim and the release: one owner, groups together, whole or in slices, free only when proven clean.

use crate::world::{World, rack::Rack};
use csgpu::{
    domain::{
        Id,
        gpu::{
            AllocationState, Pick,
            wire_state::{self, Counted},
        },
        id,
        machine::{DeviceRef, Proof},
    },
    error::Error,
    hypervisor::fake::FakeShape,
    store::{Tx, gpu_claim, gpu_count, gpu_held},
};
use std::collections::HashSet;

async fn held(world: &World, vm: Id<id::Vm>) -> Vec<gpu_held::HeldDevice> {
    world.db().read(move |conn| gpu_held::held_by(conn, vm)).await.expect("a query")
}

async fn write(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> csgpu::error::Result<()> + Send + 'static,
) {
    world.db().txn("test", work).await.expect("a transaction");
}

async fn release(world: &World, vm: Id<id::Vm>, proof: Proof) {
    write(world, move |tx| gpu_claim::begin_release(tx, vm)).await;
    let outcomes: Vec<_> =
        held(world, vm).await.iter().map(|it| (it.device, proof.clone())).collect();
    write(world, move |tx| gpu_claim::finish_release(tx, vm, &outcomes)).await;
}

/// The host's GPUs: total and used. Counted in SQL, compared with the rule.
async fn count(world: &World, rack: &Rack) -> (i64, i64) {
    let (host, zone) = (rack.id, rack.zone);
    let counted = world.db().read(move |conn| {
        let by_host = gpu_count::by_host(conn, &[host])?.remove(&host).unwrap_or_default();
        let by_zone = gpu_count::by_part(conn, &[zone])?.remove(&zone).unwrap_or_default();
        assert_eq!(by_host.count, by_zone);
        Ok(by_host.count)
    });
    let counted = counted.await.expect("a count");
    let rule = wire_state::count(&by_rule(world, rack).await);
    assert_eq!((counted.total, counted.used), (i64::from(rule.total), i64::from(rule.used)));
    (counted.total, counted.used)
}

/// A host's devices as the rule counts them.
async fn by_rule(world: &World, rack: &Rack) -> Vec<Counted> {
    let host = rack.id;
    let rows = world
        .texts(&format!(
            "SELECT CONCAT_WS(' ', d.id, COALESCE(d.parent_id, '-'), d.managed, d.health, a.id IS NOT NULL,
                GREATEST(0, COALESCE((SELECT MAX(t.gpu_capacity) - (SELECT COUNT(*) FROM gpu_device n WHERE n.parent_id = d.id
                    AND n.alive = 1) FROM gpu_slice_type t JOIN gpu_device k ON k.profile_id = t.profile_id
                    AND k.parent_id = d.id AND k.alive = 1 WHERE t.device_id = d.id), 0))) AS text
            FROM gpu_device d LEFT JOIN gpu_allocation a ON a.device_id = d.id AND a.active = 1
            WHERE d.host_id = '{host}' AND d.alive = 1"
        ))
        .await;
    let counted = |row: &String| {
        let words: Vec<&str> = row.split(' ').collect();
        Counted {
            id: words[0].parse().expect("an id"),
            parent: words[1].parse().ok(),
            managed: words[2].parse().expect("a state"),
            health: words[3].parse().expect("a health"),
            is_held: words[4] == "1",
            creatable: words[5].parse().expect("a number"),
        }
    };
    rows.iter().map(counted).collect()
}

/// Picks of these devices of a host, by address.
async fn picks(world: &World, rack: &Rack, which: &[usize]) -> Vec<Pick> {
    let all = world.devices(rack).await;
    which.iter().map(|n| Pick::Device(all[*n])).collect()
}

/// The kinds of slice that the first GPU of a host can be cut into, in order of name.
async fn slice(world: &World, rack: &Rack, name: &str) -> Pick {
    let gpu = world.devices(rack).await[0];
    let profile = world
        .texts(&format!(
            "SELECT p.id AS text FROM gpu_slice_type t JOIN vgpu_profile p ON p.id = t.profile_id
            WHERE t.device_id = '{gpu}' AND p.name = '{name}'"
        ))
        .await;
    Pick::Slice { gpu, profile: profile[0].parse().expect("an id") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_who_want_the_same_two_devices_one_gets_them() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(4)).await;
    let wanted = picks(&world, &rack, &[1, 2]).await;
    let tries = (0..8).map(|n| {
        let mut wanted = wanted.clone();
        if n % 2 == 0 {
            wanted.reverse();
        }
        let (world, rack) = (&world, &rack);
        async move { world.claim(rack, &wanted).await }
    });
    let outcomes = join_all(tries).await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    assert!(lost.iter().all(|e| matches!(e, Err(Error::Conflict(_)))), "{lost:?}");
    let rows = world.texts("SELECT vm_id AS text FROM gpu_allocation").await;
    assert_eq!(rows.len(), 2, "nothing half won survives");
    assert_eq!(count(&world, &rack).await, (4, 2));
}

pub async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        for (future, slot) in all.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *slot = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(done.drain(..).flatten().collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_who_want_one_of_eight_get_eight() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(8)).await;
    let all = world.devices(&rack).await;
    let tries = (0..16).map(|n| {
        let (world, rack, all) = (&world, &rack, &all);
        async move {
            // each goes through all devices from another start
            for step in 0..8 {
                if let Ok(vm) = world.claim(rack, &[Pick::Device(all[(n + step) % 8])]).await {
                    return Some(vm);
                }
            }
            None
        }
    });
    let won: Vec<_> = join_all(tries).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 8);
    let owned =
        world.texts("SELECT DISTINCT device_id AS text FROM gpu_allocation WHERE active = 1");
    assert_eq!(owned.await.len(), 8);
    assert_eq!(count(&world, &rack).await, (8, 8));
}

#[tokio::test]
async fn a_device_goes_through_its_life_and_is_free_only_when_clean() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2).audio()).await;
    let wanted = picks(&world, &rack, &[1, 0]).await;
    let vm = world.claim(&rack, &wanted).await.expect("free devices");
    let mine = held(&world, vm).await;
    let order: Vec<Pick> = mine.iter().map(|it| Pick::Device(it.device)).collect();
    assert_eq!(order, wanted, "in the order of the picks");
    assert!(mine.iter().all(|it| it.state == AllocationState::Reserved));
    assert!(
        matches!(&mine[0].reference, DeviceRef::Pci { companions, .. } if companions.len() == 1)
    );
    assert_eq!((mine[0].vendor_id, mine[0].device_id), (0x10de, 0x20b2));

    for _ in 0..2 {
        write(&world, move |tx| gpu_claim::confirm(tx, vm)).await;
    }
    write(&world, move |tx| gpu_claim::give_back(tx, vm)).await;
    assert!(held(&world, vm).await.iter().all(|it| it.state == AllocationState::Allocated));

    // a proof that comes before the release changes nothing
    let early: Vec<_> = mine.iter().map(|it| (it.device, Proof::Clean)).collect();
    write(&world, move |tx| gpu_claim::finish_release(tx, vm, &early)).await;
    assert_eq!(held(&world, vm).await.len(), 2);

    for _ in 0..2 {
        write(&world, move |tx| gpu_claim::begin_release(tx, vm)).await;
    }
    assert!(held(&world, vm).await.iter().all(|it| it.state == AllocationState::Releasing));
    assert!(world.claim(&rack, &wanted[..1]).await.is_err(), "not yet proven clean");

    release(&world, vm, Proof::Clean).await;
    assert!(held(&world, vm).await.is_empty());
    let other = world.claim(&rack, &wanted).await.expect("clean devices are free");
    // a late repetition of the old release does not touch the new owner
    let late: Vec<_> = mine.iter().map(|it| (it.device, Proof::Clean)).collect();
    write(&world, move |tx| gpu_claim::finish_release(tx, vm, &late)).await;
    assert_eq!(held(&world, other).await.len(), 2);
}

#[tokio::test]
async fn a_doubt_quarantines_the_device_and_raises_an_alert() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(2)).await;
    let wanted = picks(&world, &rack, &[0]).await;
    let vm = world.claim(&rack, &wanted).await.expect("a free device");
    release(&world, vm, Proof::Doubt("the reset failed".to_owned())).await;
    assert!(held(&world, vm).await.is_empty());
    assert!(world.claim(&rack, &wanted).await.is_err());
    let alerts = world.texts("SELECT description AS text FROM alert WHERE resolved IS NULL").await;
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].contains("the reset failed"), "{alerts:?}");
    assert_eq!(count(&world, &rack).await, (1, 0));
    // a good probe does not make it healthy
    world.look(&rack).await.expect("the host answers");
    assert!(world.claim(&rack, &wanted).await.is_err());
}

#[tokio::test]
async fn what_never_touched_a_host_is_given_back_without_proof() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(1)).await;
    let wanted = picks(&world, &rack, &[0]).await;
    let vm = world.claim(&rack, &wanted).await.expect("a free device");
    for _ in 0..2 {
        write(&world, move |tx| gpu_claim::give_back(tx, vm)).await;
    }
    assert!(held(&world, vm).await.is_empty());
    world.claim(&rack, &wanted).await.expect("free again");
}

#[tokio::test]
async fn a_pair_of_one_group_travels_together() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(4).gpus_per_group(2)).await;
    for lone in [vec![0], vec![1], vec![0, 2], vec![1, 2, 3]] {
        let wanted = picks(&world, &rack, &lone).await;
        assert!(world.claim(&rack, &wanted).await.is_err(), "{lone:?}");
    }
    let pair = picks(&world, &rack, &[1, 0]).await;
    world.claim(&rack, &pair).await.expect("the whole group");
}

#[tokio::test]
async fn a_gpu_is_used_whole_or_in_slices() {
    let world = World::new().await;
    let shape = FakeShape::new("h").gpus(2).slice_type("nvidia-468", "NVIDIA A100D-4C", 4);
    let rack = world.rack(shape).await;
    assert_eq!(count(&world, &rack).await, (2, 0));
    let whole = picks(&world, &rack, &[0]).await;
    let part = slice(&world, &rack, "NVIDIA A100D-4C").await;

    let first = world.claim(&rack, &[part, part]).await.expect("two slices");
    let mine = held(&world, first).await;
    let uuids: HashSet<_> = mine
        .iter()
        .map(|it| match &it.reference {
            DeviceRef::Mdev { uuid, on_demand: true, mdev_type, .. }
                if mdev_type == "nvidia-468" =>
            {
                uuid
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(uuids.len(), 2);
    assert!(world.claim(&rack, &whole).await.is_err(), "cut");
    // the cut GPU counts as many as its profile gives, the other one is whole
    assert_eq!(count(&world, &rack).await, (5, 2));
    // the look between the promise and the start leaves everything as it is
    world.look(&rack).await.expect("the host answers");
    assert_eq!(held(&world, first).await.len(), 2);

    let second = world.claim(&rack, &[part, part]).await.expect("two more");
    assert!(world.claim(&rack, &[part]).await.is_err(), "four of four are taken");
    release(&world, first, Proof::Clean).await;
    assert!(world.claim(&rack, &whole).await.is_err(), "two slices are still there");
    write(&world, move |tx| gpu_claim::give_back(tx, second)).await;
    assert_eq!(count(&world, &rack).await, (2, 0));
    world.claim(&rack, &whole).await.expect("whole again");
    assert!(world.claim(&rack, &[part]).await.is_err(), "in use as a whole");
    let alive = world.texts("SELECT id AS text FROM gpu_device WHERE on_demand = 1 AND alive = 1");
    assert!(alive.await.is_empty());
}

#[tokio::test]
async fn a_claim_costs_four_statements() {
    let world = World::new().await;
    let rack = world.rack(FakeShape::new("h").gpus(8)).await;
    let mut least = u64::MAX;
    for pair in [[0, 1], [2, 3], [4, 5], [6, 7]] {
        let wanted = picks(&world, &rack, &pair).await;
        let before = world.db().statements();
        world.claim(&rack, &wanted).await.expect("free devices");
        least = least.min(world.db().statements() - before);
    }
    // the instance's row, its count and its owner, then BEGIN, the host's lock, the devices, the allocations, the
    // generation, the count of GPUs, COMMIT; others of the server may be at work beside it
    assert!(least <= 10, "{least}");
}
