//! What can be true of a GPU device: managed, healthy, allocated - three columns that never mix.

text_enum! {
    /// How a device is attached; the wire's `gpudevicetype`.
    DeviceType {
        /// A whole PCI function or a virtual function.
        PCI,
        /// A mediated device.
        MDEV,
        /// A physical GPU that is consumed only through its slices.
        VGPUOnly,
    }
}

text_enum! {
    /// The administrator's switch.
    ManagedState {
        /// May be allocated.
        Managed,
        /// Is left alone.
        Unmanaged,
    }
}

text_enum! {
    /// Whether a device can be trusted, apart from who holds it.
    Health {
        /// Seen, and nothing speaks against it.
        Ok,
        /// Missing from three successful probes.
        Missing,
        /// Released, but not proven clean.
        Quarantined,
        /// Used by something that is not in the books.
        Foreign,
    }
}

text_enum! {
    /// Where an allocation is in its life.
    AllocationState {
        /// Promised at admission.
        Reserved,
        /// In a running (or kept by a stopped) instance.
        Allocated,
        /// Given back, not yet proven clean.
        Releasing,
        /// Over; history only.
        Released,
    }
}

text_enum! {
    /// How a profile consumes its card; decided by this column, never by the profile's name.
    ProfileKind {
        /// The whole PCI function.
        Passthrough,
        /// An SR-IOV virtual function.
        VirtualFunction,
        /// A mediated device.
        Mediated,
        /// A MIG instance.
        Mig,
    }
}
