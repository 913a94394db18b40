//! Hosts through libvirt.
mod xml;
