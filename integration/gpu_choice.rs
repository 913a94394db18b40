//! What an instance may say of its GPUs, where it would go, and how much still fits.

use crate::world::{World, site::instance};
use csgpu::hypervisor::fake::FakeShape;
use serde_json::{Value, json};

async fn profile(world: &World) -> String {
    let query = "SELECT DISTINCT profile_id AS text FROM gpu_device WHERE device_type = 'PCI'";
    world.texts(query).await.first().expect("a profile").clone()
}

#[actix_web::test]
async fn an_instance_says_how_many_gpus_within_its_offering() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(8)]).await;
    let profile = profile(&world).await;
    let size = [("cpunumber", "2"), ("cpuspeed", "1000"), ("memory", "512")];
    let words = |name: &'static str, more: &[(&'static str, &'static str)]| {
        let mut words: Vec<(&str, &str)> = vec![("name", name)];
        words.extend(size);
        words.extend(more);
        words
    };
    let limits = [("mingpucount", "2"), ("maxgpucount", "4"), ("gpucount", "3")];
    let mut some = words("some", &limits);
    some.push(("vgpuprofileid", &profile));
    let made = world.admin.ok("createServiceOffering", &some).await;
    let some = made["serviceoffering"]["id"].as_str().expect("an id").to_owned();
    let fixed = world.size("fixed", 1).await;
    let none = world.size("none", 0).await;
    let before = world.fingerprint();
    let cases = [
        (&some, "1", "gpucount must be between 2 and 4, not 1"),
        (&some, "5", "gpucount must be between 2 and 4, not 5"),
        (&some, "-1", "gpucount must be between 2 and 4, not -1"),
        (&fixed, "2", "leaves no choice of the number of GPUs"),
        (&none, "1", "asks for no GPUs"),
    ];
    for (offering, count, text) in cases {
        let mut deploy = site.deploy(offering);
        deploy.push(("gpucount", count));
        let answer = world.admin.call("deployVirtualMachine", &deploy).await;
        assert_eq!(answer.status, 431, "{count}: {}", answer.text());
        assert!(answer.error().contains(text), "{count}: {}", answer.error());
    }
    for (more, text) in [
        (&[("mingpucount", "2")][..], "need GPUs to count"),
        (&[("mingpucount", "4"), ("maxgpucount", "2")], "the least before the most"),
        (&[("maxgpucount", "65")], "between 1 and 64"),
        (&[("mingpucount", "2"), ("gpucount", "1")], "gpucount must be between"),
    ] {
        let mut bad = words("bad", more);
        if text != "need GPUs to count" {
            bad.push(("vgpuprofileid", &profile));
        }
        let answer = world.admin.call("createServiceOffering", &bad).await;
        assert_eq!(answer.status, 431, "{more:?}: {}", answer.text());
        assert!(answer.error().contains(text), "{more:?}: {}", answer.error());
    }
    assert_eq!(world.fingerprint(), before);
    for (count, held) in [(Some("4"), 4), (None, 7)] {
        let mut deploy = site.deploy(&some);
        deploy.extend(count.map(|count| ("gpucount", count)));
        instance(&world.admin.call_async("deployVirtualMachine", &deploy).await);
        assert_eq!(world.held().await.split(' ').count(), held);
    }
    let mut deploy = site.deploy(&fixed);
    deploy.push(("gpucount", "1"));
    instance(&world.admin.call_async("deployVirtualMachine", &deploy).await);
    world.settle().await;
}

fn shapes(row: &Value) -> Vec<(i64, i64, i64)> {
    let number = |shape: &Value, key: &str| shape[key].as_i64().expect("a number");
    let all = row["gpushapes"].as_array().expect("shapes");
    all.iter()
        .map(|s| (number(s, "gpucount"), number(s, "instances"), number(s, "instancesononenode")))
        .collect()
}

#[actix_web::test]
async fn placement_is_explained_and_nothing_changes() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4), FakeShape::new("h2").gpus(2)]).await;
    let [four, six] = [world.size("four", 4).await, world.size("six", 6).await];
    let before = world.fingerprint();
    let told = world.admin.ok("explainPlacement", &site.deploy(&four)).await["placement"].clone();
    assert_eq!((&told["fits"], &told["hostname"]), (&json!(true), &json!("h1")));
    assert_eq!(told["gpudeviceids"].as_array().map(Vec::len), Some(4));
    assert_eq!((&told["gpucount"], &told["hosts"]), (&json!(4), &json!(2)));
    let told = world.admin.ok("explainPlacement", &site.deploy(&six)).await["placement"].clone();
    assert_eq!(told["fits"], json!(false));
    assert_eq!(told["reasons"], json!([{"hosts": 2, "reason": "too few GPUs"}]));
    assert_eq!(told["nearest"], json!(["4 x NVIDIA A100 SXM4 80GB passthrough"]));
    let class = |gpus: u32| {
        let shape = format!("{gpus} x NVIDIA A100 SXM4 80GB passthrough");
        json!({"shape": shape, "hosts": 1, "reasons": [{"hosts": 1, "reason": "too few GPUs"}]})
    };
    let classes = told["hostclasses"].as_array().expect("classes");
    assert!(
        classes.len() == 2 && classes.contains(&class(4)) && classes.contains(&class(2)),
        "{told}"
    );
    let fits: Vec<(&Value, &Value)> = (told["gpushapes"].as_array().expect("shapes").iter())
        .map(|shape| (&shape["gpucount"], &shape["instances"]))
        .collect();
    let expected = [(1, 6), (2, 3), (4, 1), (8, 0)].map(|(count, fit)| (json!(count), json!(fit)));
    assert_eq!(fits, expected.each_ref().map(|(count, fit)| (count, fit)));
    let text = told["explanation"].as_str().expect("a text");
    let shapes = "instances that still fit: 6 of 1, 3 of 2, 1 of 4, 0 of 8 x NVIDIA";
    assert!(text.contains(shapes) && text.contains("1 with 4 x NVIDIA"), "{text}");
    assert!(text.contains("2 hosts: 2 too few GPUs; what would fit: 4 x"), "{text}");
    let refused = world.admin.call("deployVirtualMachine", &site.deploy(&six)).await;
    assert_eq!(refused.error(), text, "a deploy says the same");
    assert_eq!(world.fingerprint(), before);

    let joe = world.user("joe").await;
    let mut words = site.deploy(&four);
    words.retain(|(key, _)| *key != "networkids");
    words.push(("networkids", &site.bridge));
    let told = joe.ok("explainPlacement", &words).await["placement"].clone();
    assert_eq!(told["fits"], json!(true));
    for hidden in
        ["hostid", "hostname", "gpudeviceids", "hosts", "reasons", "hostclasses", "gpushapes"]
    {
        assert!(told.get(hidden).is_none(), "{hidden}: {told}");
    }
    words.retain(|(key, _)| *key != "serviceofferingid");
    words.push(("serviceofferingid", &six));
    let told = joe.ok("explainPlacement", &words).await["placement"].clone();
    let text = told["explanation"].as_str().expect("a text");
    assert!(
        !text.contains("hosts:")
            && !text.contains("still fit")
            && text.contains("what would fit: 4 x"),
        "{text}"
    );
}

#[actix_web::test]
async fn capacity_is_told_by_shape() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(4), FakeShape::new("h2").gpus(2)]).await;
    let pair = world.size("pair", 2).await;
    let zone = [("zoneid", site.zone.as_str())];
    let list = world.admin.ok("listGpuCapacity", &zone).await;
    let row = &list["gpucapacity"][0];
    assert_eq!((&row["gpufree"], &row["vgpuprofilename"]), (&json!(6), &json!("passthrough")));
    let anywhere = |row: &Value| -> Vec<(i64, i64)> {
        shapes(row).into_iter().map(|(count, instances, _)| (count, instances)).collect()
    };
    assert_eq!(anywhere(row), [(1, 6), (2, 3), (4, 1), (8, 0)]);
    assert!(shapes(row).iter().all(|(_, anywhere, together)| together <= anywhere));
    instance(&world.admin.call_async("deployVirtualMachine", &site.deploy(&pair)).await);
    let list = world.admin.ok("listGpuCapacity", &zone).await;
    // the small host's GPUs are on two nodes, so the pair went to the other one
    assert_eq!(anywhere(&list["gpucapacity"][0]), [(1, 4), (2, 2), (4, 0), (8, 0)]);
    let joe = world.user("joe").await;
    assert_eq!(joe.call("listGpuCapacity", &[]).await.status, 432);
    world.settle().await;
}

#[actix_web::test]
async fn a_gpu_offering_is_for_a_domain_and_a_zone() {
    let world = World::new().await;
    let site = world.site([FakeShape::new("h1").gpus(2)]).await;
    let profile = profile(&world).await;
    let domain = world.admin.ok("createDomain", &[("name", "inner")]).await;
    let domain = domain["domain"]["id"].as_str().expect("an id").to_owned();
    let other = world.site([FakeShape::new("h2").gpus(1)]).await;
    let offering = |name: &'static str, key: &'static str, value: String| {
        let words = [("name", name.to_owned()), ("vgpuprofileid", profile.clone()), (key, value)];
        let world = &world;
        async move {
            let words: Vec<(&str, &str)> = words.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let made = world.admin.ok("createGpuOffering", &words).await["gpuoffering"].clone();
            assert_eq!(made[key].as_str(), Some(words[2].1));
            made["id"].as_str().expect("an id").to_owned()
        }
    };
    let inner = offering("inner", "domainid", domain.clone()).await;
    let there = offering("there", "zoneid", other.zone.clone()).await;
    let names = |list: &Value| -> Vec<String> {
        let all = list["gpuoffering"].as_array().cloned().unwrap_or_default();
        all.iter().map(|o| o["name"].as_str().expect("a name").to_owned()).collect()
    };
    let joe = world.user("joe").await;
    let ann = world.member("ann", "0", Some(&domain)).await;
    assert_eq!(names(&joe.ok("listGpuOfferings", &[]).await), ["there"]);
    assert_eq!(names(&ann.ok("listGpuOfferings", &[]).await), ["inner", "there"]);
    let here = [("zoneid", site.zone.as_str())];
    assert_eq!(names(&world.admin.ok("listGpuOfferings", &here).await), ["inner"]);
    let none = world.size("none", 0).await;
    let mut words = site.deploy(&none);
    words.push(("gpuofferingid", &there));
    let answer = world.admin.call("deployVirtualMachine", &words).await;
    assert!(answer.error().contains("GPU offering there is for another zone"), "{}", answer.text());
    words.pop();
    words.retain(|(key, _)| *key != "networkids");
    words.extend([("gpuofferingid", inner.as_str()), ("networkids", &site.bridge)]);
    let answer = joe.call("deployVirtualMachine", &words).await;
    assert!(answer.error().contains("does not have permission"), "{}", answer.text());
}
