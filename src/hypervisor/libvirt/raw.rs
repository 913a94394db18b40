//! The few calls that the `virt` crate has no safe form of: event registration, the event loop, and killing our ssh.
//!
//! A [`Subscription`] hands libvirt boxed senders and takes them back when it is dropped, which must be before the last
//! clone of the connection goes (`Session` declares its fields in that order). The callbacks run on the event thread
//! and only send.

#![expect(unsafe_code, reason = "virt 0.5 has no wrapper for event registration")]

use std::ffi::{c_int, c_void};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;
use virt::{connect::Connect, error::Error, sys};

/// What libvirt told by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A domain started, stopped, crashed or was removed.
    Domain(Uuid),
    /// A node device came, went or changed.
    NodeDevice,
    /// The connection ended.
    Closed,
}

/// Receives what libvirt tells; called on the event thread, must not block.
pub(super) type Ear = Arc<dyn Fn(Told) + Send + Sync>;

type Generic = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, *mut c_void);
type Lifecycle =
    unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, c_int, c_int, *mut c_void) -> c_int;
type NodeGeneric = unsafe extern "C" fn(sys::virConnectPtr, sys::virNodeDevicePtr, *mut c_void);
type NodeLifecycle =
    unsafe extern "C" fn(sys::virConnectPtr, sys::virNodeDevicePtr, c_int, c_int, *mut c_void);

unsafe extern "C" fn free(opaque: *mut c_void) {
    // SAFETY: `opaque` is the box that `leak` made; libvirt calls this once, after the last callback.
    drop(unsafe { Box::from_raw(opaque.cast::<Ear>()) });
}

fn leak(ear: &Ear) -> *mut c_void {
    Box::into_raw(Box::new(ear.clone())).cast()
}

/// SAFETY: `opaque` must come from `leak` and not be freed yet.
unsafe fn tell(opaque: *mut c_void, told: Told) {
    let ear = unsafe { &*opaque.cast::<Ear>() };
    ear(told);
}

unsafe extern "C" fn on_lifecycle(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    event: c_int,
    _: c_int,
    opaque: *mut c_void,
) -> c_int {
    if event as u32 == sys::VIR_DOMAIN_EVENT_DEFINED {
        return 0;
    }
    let mut bytes = [0_u8; 16];
    // SAFETY: libvirt lends a valid domain for the call; a UUID has 16 bytes.
    if unsafe { sys::virDomainGetUUID(domain, bytes.as_mut_ptr()) } == 0 {
        unsafe { tell(opaque, Told::Domain(Uuid::from_bytes(bytes))) };
    }
    0
}

unsafe extern "C" fn on_node_device(
    _: sys::virConnectPtr,
    _: sys::virNodeDevicePtr,
    _: c_int,
    _: c_int,
    opaque: *mut c_void,
) {
    // SAFETY: `opaque` is ours until `free`.
    unsafe { tell(opaque, Told::NodeDevice) };
}

unsafe extern "C" fn on_close(_: sys::virConnectPtr, _: c_int, opaque: *mut c_void) {
    // SAFETY: `opaque` is ours until `free`.
    unsafe { tell(opaque, Told::Closed) };
}

/// Registered callbacks; dropping it takes them back.
pub(super) struct Subscription {
    connect: Connect,
    domain: Option<c_int>,
    node: Option<c_int>,
    close: bool,
}

impl Subscription {
    /// Registers for everything that the host's driver can tell; what it cannot is left out.
    pub(super) fn new(connect: &Connect, ear: &Ear) -> Self {
        // SAFETY: the connection is open; every callback has the signature its event id asks for
        // (libvirt-domain.h, libvirt-nodedev.h), and `free` matches `leak`. On failure libvirt does not take the box.
        unsafe {
            let raw = connect.as_ptr();
            let opaque = leak(ear);
            let domain = sys::virConnectDomainEventRegisterAny(
                raw,
                std::ptr::null_mut(),
                sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE as c_int,
                Some(std::mem::transmute::<Lifecycle, Generic>(on_lifecycle)),
                opaque,
                Some(free),
            );
            let domain = keep(domain, opaque);
            let opaque = leak(ear);
            let node = sys::virConnectNodeDeviceEventRegisterAny(
                raw,
                std::ptr::null_mut(),
                sys::VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE as c_int,
                Some(std::mem::transmute::<NodeLifecycle, NodeGeneric>(on_node_device)),
                opaque,
                Some(free),
            );
            let node = keep(node, opaque);
            let opaque = leak(ear);
            let close =
                sys::virConnectRegisterCloseCallback(raw, Some(on_close), opaque, Some(free));
            let close = keep(close, opaque).is_some();
            Self { connect: connect.clone(), domain, node, close }
        }
    }
}

/// SAFETY: `opaque` must come from `leak`, and `result` from the call it was given to.
unsafe fn keep(result: c_int, opaque: *mut c_void) -> Option<c_int> {
    if result < 0 {
        unsafe { free(opaque) };
        return None;
    }
    Some(result)
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // SAFETY: the ids are the ones this connection gave; it is still open, for we hold a clone.
        unsafe {
            let raw = self.connect.as_ptr();
            if let Some(id) = self.domain {
                sys::virConnectDomainEventDeregisterAny(raw, id);
            }
            if let Some(id) = self.node {
                sys::virConnectNodeDeviceEventDeregisterAny(raw, id);
            }
            if self.close {
                sys::virConnectUnregisterCloseCallback(raw, Some(on_close));
            }
        }
    }
}

/// Starts libvirt's event loop on a thread of its own, once per process, before the first connection; without it
/// neither keepalive nor events work. `each_second` is called from it.
pub(super) fn start_events(each_second: fn()) -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let start = || {
        virt::error::clear_error_callback(); // else libvirt prints every error to stderr
        virt::event::event_register_default_impl().map_err(text)?;
        virt::event::event_add_timeout(1000, move |_, _| each_second(), std::ptr::null_mut())
            .map_err(text)?;
        let thread = std::thread::Builder::new().name("libvirt-events".to_owned());
        let spin = || {
            loop {
                if virt::event::event_run_default_impl().is_err() {
                    std::thread::park_timeout(std::time::Duration::from_millis(100));
                }
            }
        };
        thread.spawn(spin).map_err(|error| error.to_string())?;
        Ok(())
    };
    STARTED.get_or_init(start).clone()
}

fn text(error: Error) -> String {
    error.message().to_owned()
}

/// Ends an ssh child of this process, so that a call blocked on it returns.
pub(super) fn kill(pid: i32) {
    if pid > 1 {
        // SAFETY: plain system call; the caller vouches that the child is not reaped yet.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}
