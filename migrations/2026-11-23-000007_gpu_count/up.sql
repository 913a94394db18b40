-- counting the GPUs of a zone reads this index and no row
ALTER TABLE `gpu_device`
    ADD KEY ix_gpu_device_count (host_id, alive, profile_id, device_type, managed, health, parent_id);
