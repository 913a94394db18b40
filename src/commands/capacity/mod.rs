//! Capacity: how much there is of everything.

pub mod view;
