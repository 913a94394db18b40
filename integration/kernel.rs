//! The kernel through HTTP: who may call, what is refused, how pages work.

use crate::world::World;

#[actix_web::test]
async fn a_card_is_created_listed_and_not_created_twice() {
    let world = World::new().await;
    let card = [
        ("deviceid", "26B9"),
        ("devicename", "AD102GL [L40S]"),
        ("vendorid", "10de"),
        ("vendorname", "NVIDIA Corporation"),
        ("name", "NVIDIA L40S"),
        ("videoram", "46068"),
    ];
    let made = world.admin.ok("createGpuCard", &card).await;
    assert_eq!(made["gpucard"]["deviceid"], "26b9");
    let again = world.admin.call("createGpuCard", &card).await;
    assert_eq!(again.status, 530);
    let expected =
        "Failed to create GPU card: GPU card with vendor ID 10de and device ID 26b9 already exists";
    assert_eq!(again.error(), expected);
    let id = made["gpucard"]["id"].as_str().unwrap();
    let listed = world.admin.ok("listGpuCards", &[("id", id)]).await;
    assert_eq!(listed["count"], 1);
    assert_eq!(listed["gpucard"][0]["name"], "NVIDIA L40S");
}

#[actix_web::test]
async fn an_unknown_id_is_refused_in_the_words_that_clients_know() {
    let world = World::new().await;
    for id in ["00000000-0000-0000-0000-000000000000", "not-a-uuid"] {
        let answer = world.admin.call("listGpuCards", &[("id", id)]).await;
        assert_eq!(answer.status, 431);
        let expected = format!(
            "Unable to execute API command listgpucards due to invalid value. Invalid parameter id value={id} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."
        );
        assert_eq!(answer.error(), expected);
    }
}

#[actix_web::test]
async fn a_page_needs_a_size_and_a_size_a_page() {
    let world = World::new().await;
    let answer = world.admin.call("listGpuCards", &[("page", "1")]).await;
    assert_eq!(
        (answer.status, answer.error()),
        (431, "\"pagesize\" parameter is required when \"page\" is specified")
    );
    let answer = world.admin.call("listGpuCards", &[("page", "1"), ("pagesize", "501")]).await;
    assert_eq!(answer.error(), "Page size can't exceed max allowed page size value: 500");
    assert_eq!(world.admin.ok("listGpuCards", &[]).await, serde_json::json!({}));
}
