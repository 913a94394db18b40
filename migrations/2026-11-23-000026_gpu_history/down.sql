ALTER TABLE `gpu_allocation` DROP KEY ix_gpu_allocation_sealed, DROP COLUMN `sealed`;
DROP TABLE `gpu_history_head`;
DROP TABLE `gpu_history`;
