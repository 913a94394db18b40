-- What owners have and may have at most. own_max: set for this owner; max: what binds it now, from own_max, from a domain
-- above or from the settings; -1 is no limit. ROOT's counts are the sums of the accounts, so that not every request
-- waits for one row.
CREATE TABLE `resource_count` (
    `owner_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `kind` INT NOT NULL,
    `owner` VARCHAR(16) NOT NULL,
    `used` BIGINT NOT NULL DEFAULT 0,
    `own_max` BIGINT NULL,
    `max` BIGINT NOT NULL,
    PRIMARY KEY (owner_id, kind),
    KEY ix_resource_count_owner (owner, kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- whose a device was and what of it, as it was at the time of the claim
ALTER TABLE `gpu_allocation`
    ADD COLUMN `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN `memory_mib` BIGINT NOT NULL DEFAULT 0,
    ADD KEY ix_gpu_allocation_account (account_id, active);

UPDATE gpu_allocation a
    JOIN vm v ON v.id = a.vm_id
    JOIN gpu_device d ON d.id = a.device_id
    JOIN vgpu_profile p ON p.id = d.profile_id
    SET a.account_id = v.account_id, a.domain_id = v.domain_id, a.profile_id = d.profile_id,
        a.memory_mib = COALESCE(p.video_ram, 0);

INSERT INTO resource_count (owner_id, kind, owner, max)
    SELECT a.id, k.kind, 'Account', IF(r.kind = 'Admin', -1, k.account_max)
    FROM account a JOIN role r ON r.id = a.role_id JOIN (
    SELECT 0 AS kind, 20 AS account_max, 40 AS domain_max UNION ALL
    SELECT 1, 20, 40 UNION ALL
    SELECT 2, 20, 40 UNION ALL
    SELECT 3, 20, 40 UNION ALL
    SELECT 4, 20, 40 UNION ALL
    SELECT 5, 10, 50 UNION ALL
    SELECT 6, 20, 40 UNION ALL
    SELECT 7, 20, 40 UNION ALL
    SELECT 8, 40, 80 UNION ALL
    SELECT 9, 40960, 81920 UNION ALL
    SELECT 10, 214748364800, 429496729600 UNION ALL
    SELECT 11, 429496729600, 858993459200 UNION ALL
    SELECT 12, 20, 40 UNION ALL
    SELECT 13, 429496729600, 858993459200 UNION ALL
    SELECT 14, 20, 40 UNION ALL
    SELECT 15, 429496729600, 858993459200 UNION ALL
    SELECT 16, 20, 20 UNION ALL
    SELECT 116, -1, -1
    ) k WHERE a.alive = 1;

INSERT INTO resource_count (owner_id, kind, owner, max)
    SELECT d.id, k.kind, 'Domain', IF(d.parent_id IS NULL, -1, k.domain_max)
    FROM domain d JOIN (
    SELECT 0 AS kind, 20 AS account_max, 40 AS domain_max UNION ALL
    SELECT 1, 20, 40 UNION ALL
    SELECT 2, 20, 40 UNION ALL
    SELECT 3, 20, 40 UNION ALL
    SELECT 4, 20, 40 UNION ALL
    SELECT 5, 10, 50 UNION ALL
    SELECT 6, 20, 40 UNION ALL
    SELECT 7, 20, 40 UNION ALL
    SELECT 8, 40, 80 UNION ALL
    SELECT 9, 40960, 81920 UNION ALL
    SELECT 10, 214748364800, 429496729600 UNION ALL
    SELECT 11, 429496729600, 858993459200 UNION ALL
    SELECT 12, 20, 40 UNION ALL
    SELECT 13, 429496729600, 858993459200 UNION ALL
    SELECT 14, 20, 40 UNION ALL
    SELECT 15, 429496729600, 858993459200 UNION ALL
    SELECT 16, 20, 20 UNION ALL
    SELECT 116, -1, -1
    ) k WHERE d.alive = 1;

UPDATE resource_count c JOIN (
    SELECT account_id, 0 AS kind, COUNT(*) AS n FROM vm
        WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped') GROUP BY account_id UNION ALL
    SELECT account_id, 8, SUM(cpu_number) FROM vm
        WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped') GROUP BY account_id UNION ALL
    SELECT account_id, 9, SUM(memory_mib) FROM vm
        WHERE removed IS NULL AND state IN ('Starting', 'Running', 'Stopping', 'Stopped') GROUP BY account_id UNION ALL
    SELECT account_id, 2, COUNT(*) FROM volume WHERE removed IS NULL GROUP BY account_id UNION ALL
    SELECT account_id, 10, SUM(size) FROM volume WHERE removed IS NULL GROUP BY account_id UNION ALL
    SELECT account_id, 4, COUNT(*) FROM template WHERE removed IS NULL GROUP BY account_id UNION ALL
    SELECT account_id, 11, SUM(size) FROM template WHERE removed IS NULL GROUP BY account_id UNION ALL
    SELECT account_id, 6, COUNT(*) FROM network WHERE alive = 1 AND acl_type = 'Account' GROUP BY account_id UNION ALL
    SELECT account_id, 16, COUNT(*) FROM gpu_allocation
        WHERE active = 1 AND state IN ('Reserved', 'Allocated') GROUP BY account_id UNION ALL
    SELECT account_id, 116, SUM(memory_mib) FROM gpu_allocation
        WHERE active = 1 AND state IN ('Reserved', 'Allocated') GROUP BY account_id
    ) r ON r.account_id = c.owner_id AND r.kind = c.kind
    SET c.used = r.n WHERE c.owner = 'Account';

UPDATE resource_count c JOIN (
    SELECT d.id AS domain_id, s.kind, SUM(s.used) AS n
        FROM domain d
        JOIN domain b ON LEFT(b.path, CHAR_LENGTH(d.path)) = d.path
        JOIN account a ON a.domain_id = b.id
        JOIN resource_count s ON s.owner_id = a.id
        WHERE d.parent_id IS NOT NULL GROUP BY d.id, s.kind
    ) r ON r.domain_id = c.owner_id AND r.kind = c.kind
    SET c.used = r.n WHERE c.owner = 'Domain';
