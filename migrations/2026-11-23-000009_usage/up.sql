-- What owners used and for how long: one row for each stretch of time, open until it ends. Of GPUs (kind 101) the stretch
-- is that of the allocation, from Allocated to Releasing. kind: CloudStack's usage types (1 running, 2 allocated
-- instance, 6 volume, 7 template) and 101.
CREATE TABLE `usage_interval` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `kind` INT NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `subject_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `offering_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `template_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `size` BIGINT NULL,
    `cpu_number` INT NULL,
    `cpu_speed` INT NULL,
    `memory_mib` BIGINT NULL,
    `started` DATETIME(6) NOT NULL,
    `ended` DATETIME(6) NULL,
    `open` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_usage_interval_open (kind, subject_id, open),
    KEY ix_usage_interval_month (kind, started, ended, account_id),
    KEY ix_usage_interval_account (account_id, started),
    KEY ix_usage_interval_vm (vm_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- what is in use when this step is made is used from then on; GPUs from their allocation
INSERT INTO usage_interval (id, kind, account_id, domain_id, zone_id, subject_id, vm_id, host_id, offering_id, template_id, name,
    cpu_number, cpu_speed, memory_mib, started)
    SELECT UUID(), k.kind, v.account_id, v.domain_id, v.zone_id, v.id, v.id, v.host_id, v.offering_id, v.template_id, v.name,
        v.cpu_number, v.cpu_speed, v.memory_mib, UTC_TIMESTAMP(6)
    FROM vm v JOIN (SELECT 1 AS kind UNION ALL SELECT 2) k
    WHERE v.removed IS NULL AND v.state IN ('Starting', 'Running', 'Stopping', 'Stopped')
        AND (k.kind = 2 OR v.state IN ('Running', 'Stopping'));

INSERT INTO usage_interval (id, kind, account_id, domain_id, zone_id, subject_id, vm_id, template_id, name, size, started)
    SELECT UUID(), 6, account_id, domain_id, zone_id, id, vm_id, template_id, name, size, UTC_TIMESTAMP(6)
    FROM volume WHERE removed IS NULL;

INSERT INTO usage_interval (id, kind, account_id, domain_id, zone_id, subject_id, template_id, name, size, started)
    SELECT UUID(), 7, account_id, domain_id, zone_id, id, id, name, size, UTC_TIMESTAMP(6)
    FROM template WHERE removed IS NULL AND state = 'Ready';

INSERT INTO usage_interval (id, kind, account_id, domain_id, zone_id, subject_id, vm_id, host_id, offering_id, profile_id, template_id,
    name, memory_mib, started, ended, open)
    SELECT UUID(), 101, a.account_id, a.domain_id, v.zone_id, a.device_id, v.id, a.host_id, v.offering_id, a.profile_id,
        v.template_id, v.name, a.memory_mib, a.allocated, a.releasing, IF(a.releasing IS NULL, 1, NULL)
    FROM gpu_allocation a JOIN vm v ON v.id = a.vm_id WHERE a.allocated IS NOT NULL AND a.account_id IS NOT NULL;
