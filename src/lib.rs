//! csgpu: GPUs as a first-class resource of a private cloud, behind CloudStack's API.
//!
//! The layers, each allowed to use only those above it in this list (`integration/sweep_tidy.rs` holds the table):
//! `domain` (pure nouns), `error`, `store` (all SQL), `hypervisor` (the hosts), `command` (what a command is),
//! `commands` (which commands exist), `jobs` (long work), `dialect` (the wire), `http` (actix).

pub mod command;
pub mod commands;
pub mod config;
pub mod dialect;
pub mod domain;
pub mod error;
pub mod http;
pub mod hypervisor;
pub mod jobs;
pub mod local_db;
pub mod service;
pub mod store;
pub mod telemetry;
