ALTER TABLE `gpu_device` DROP COLUMN `module_id`, DROP COLUMN `mig_start`;
ALTER TABLE `host` DROP COLUMN `fabric`;
