//! The main job against real GPU hosts, with and without faults, looked at from outside the service.
//!
//! Two hosts are booted by the scripts beside this file (README.md) when the first test wants one, and are stopped when
//! the run is over. The service is the real program, so that it can be killed. A test takes a host for itself; what it
//! leaves behind is swept before the next one, and is an error where the test says that nothing is left.
//!
//! `CSGPU_TEST_GPU_HOST=off` leaves all of this out; `=keep` keeps the hosts running from one run to the next, which
//! saves a minute of whoever works on these tests. `cargo test --test integration gpu_host -- --nocapture` shows progress.

mod proxy;
mod rig;
mod service;

#[tokio::test]
async fn a_host_boots_and_is_free() {
    let Some(host) = rig::take("a").await else { return };
    host.assert_free();
    let service = service::Service::start().await;
    let _ = service.admin.ok("listCapabilities", &[]).await;
}
