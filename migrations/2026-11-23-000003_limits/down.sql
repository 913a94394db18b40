DROP TABLE resource_count;
ALTER TABLE `gpu_allocation`
    DROP KEY ix_gpu_allocation_account,
    DROP COLUMN `account_id`,
    DROP COLUMN `domain_id`,
    DROP COLUMN `profile_id`,
    DROP COLUMN `memory_mib`;
