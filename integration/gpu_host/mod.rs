//! The main job against real GPU hosts, with and without faults, looked at from outside the service.
//!
//! Two hosts are booted by the scripts beside this file (README.md) when the first test wants one, and are stopped when
//! the run is over. The service is the real program, so that it can be killed. A test takes a host for itself; what it
//! leaves behind is swept before the next one, and is an error where the test says that nothing is left.
//!
//! `CSGPU_TEST_GPU_HOST=off` leaves all of this out; `=keep` keeps the hosts running from one run to the next, which
//! saves a minute of whoever works on these tests. `cargo test --test integration gpu_host -- --nocapture` shows progress.

mod adoption;
mod cloud;
mod driver;
mod faults;
mod main_job;
mod proxy;
mod refusals;
mod rig;
mod service;
mod shape;
