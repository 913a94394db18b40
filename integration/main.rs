//! The tests that need the whole service or a real database.
//!
//! One test: `cargo test --test integration sweep_schema`. A database server is started by the run itself, below
//! `target/tmp`; `CSGPU_TEST_DATABASE_URL=mysql://user:password@host/` takes another one. `UPDATE=1` rewrites derived
//! files.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod access;
mod adopt;
mod affinity_group;
mod alert;
mod annotation;
mod api_limit;
mod capacity_alert;
mod configuration;
mod credentials;
mod decision;
mod event;
mod fleet;
mod gpu_choice;
mod gpu_claim;
mod gpu_device;
mod gpu_drain;
mod gpu_drift;
mod gpu_fabric;
mod gpu_history;
mod gpu_host;
mod gpu_inventory;
mod gpu_mig;
mod gpu_named;
mod gpu_numa;
mod gpu_offering;
mod gpu_release;
mod gpu_shape;
mod gpu_simulated;
mod history;
mod host;
mod identity;
mod job;
mod keeper;
mod kernel;
mod limit;
mod limit_shown;
mod limit_tag;
mod metrics;
mod migrate;
mod network;
mod power;
mod private_database;
mod project;
mod project_invitation;
mod project_role;
mod project_words;
mod resize;
mod resource_detail;
mod role;
mod rolling;
mod secure;
mod serve;
mod session;
mod storage_pool;
mod store;
mod storm;
mod sweep_crashes;
mod sweep_input;
mod sweep_matrix;
mod sweep_roles;
mod sweep_schema;
mod sweep_spec;
mod sweep_tidy;
mod tag;
mod template;
mod unmet;
mod usage;
mod usage_sum;
mod vm;
mod vm_boot;
mod vm_cost;
mod vm_words;
mod whole;
mod wire;
mod world;
mod zone;
