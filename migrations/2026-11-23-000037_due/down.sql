ALTER TABLE `gpu_allocation`
    DROP KEY ix_gpu_allocation_due,
    DROP COLUMN `due`,
    DROP COLUMN `written`,
    ADD KEY ix_gpu_allocation_sealed (sealed);
