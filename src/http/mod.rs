//! HTTP, and the only place that knows actix: addresses, methods, headers, limits.
//!
//! What a request says and what its answer looks like is the dialect's business; here bytes become a query string and
//! a body, and an answer becomes a response with the headers that the real server sends. Addresses up to 64 KiB are
//! accepted, because clients sign user data into them; bad encodings end here with 400.

mod api;
mod gzip;
mod health;
mod metrics;
mod pages;
mod reply;
mod server;

pub use server::{Server, Stop};
