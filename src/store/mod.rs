//! All SQL; nothing else imports diesel.
//!
//! Two doors lead to the database, [`Db::read`] and [`Db::txn`]; they own the pool, the hop to a blocking thread, the
//! retries and the log. Behind them everything is a plain function in the file of its noun: one that reads takes
//! `&mut Conn`, one that writes takes `&mut Tx`, which only `Db::txn` can make. Composition is a function call.

pub mod affinity_group;
pub mod alert;
pub mod alert_list;
pub mod alert_tell;
pub mod capacity;
pub mod cluster;
pub mod db;
pub mod debt;
pub mod deploy;
pub mod detail;
pub mod disk_offering;
pub mod event;
pub mod event_list;
mod failure;
pub mod gpu_card;
pub mod gpu_change;
pub mod gpu_claim;
pub mod gpu_count;
pub mod gpu_device;
pub mod gpu_fabric;
pub mod gpu_health;
pub mod gpu_held;
pub mod gpu_inventory;
pub mod gpu_model;
pub mod gpu_offering;
pub mod gpu_reset;
mod gpu_standing;
pub mod host;
pub mod host_removal;
pub mod identity;
pub mod image_store;
pub mod job;
pub mod limit;
pub mod lookup;
pub mod migrate;
pub mod network;
pub mod network_offering;
pub mod nic;
pub mod os_type;
pub mod owner;
pub mod physical_network;
pub mod placement;
pub mod pod;
mod pool;
pub mod project;
pub mod role;
mod schema;
pub mod seed;
pub mod seed_gpu;
pub mod seed_infra;
mod seed_roles;
pub mod server;
pub mod service_offering;
pub mod session;
pub mod setting;
pub mod ssh_key_pair;
pub mod storage_pool;
pub mod template;
pub mod types;
pub mod usage;
pub mod user;
pub mod vgpu_profile;
pub mod vm;
pub mod volume;
mod window;
mod write;
pub mod zone;

pub use db::{Db, Tx};
pub use failure::is_duplicate;
pub use pool::Conn;
pub use types::{clock, now};
pub use window::{Window, escape_like, like};
