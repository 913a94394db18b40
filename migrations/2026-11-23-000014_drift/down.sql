ALTER TABLE `host` DROP COLUMN `draining`;
ALTER TABLE `gpu_device` DROP COLUMN `draining`;
DROP TABLE `gpu_drift`;
