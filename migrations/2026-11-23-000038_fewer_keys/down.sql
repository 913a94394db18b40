ALTER TABLE `gpu_allocation` ADD KEY ix_gpu_allocation_account (account_id, active);
