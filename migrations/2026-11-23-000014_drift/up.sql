-- Where a host and the books disagree now: a row goes when they agree again. accepted: what was seen when an administrator
-- took it for right. draining: 1 on a device or host that gets no new instance with GPUs, though those that hold it stay.
CREATE TABLE `gpu_drift` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `device_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `kind` VARCHAR(32) NOT NULL,
    `expected` VARCHAR(255) NOT NULL,
    `seen` VARCHAR(255) NOT NULL,
    `accepted` VARCHAR(255) NULL,
    `domain_name` VARCHAR(255) NULL,
    `since` DATETIME(6) NOT NULL,
    UNIQUE KEY uc_gpu_drift (device_id, kind),
    KEY ix_gpu_drift_host (host_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
ALTER TABLE `gpu_device` ADD COLUMN `draining` TINYINT(1) NOT NULL DEFAULT 0;
ALTER TABLE `host` ADD COLUMN `draining` TINYINT(1) NOT NULL DEFAULT 0;
