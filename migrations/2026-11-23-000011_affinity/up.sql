-- Instances that shall share a host, or shall not. generation moves with every placement in a strict group: of two at the
-- same time one waits, and on a cluster one of them is told to try again.
CREATE TABLE `affinity_group` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `description` VARCHAR(4096) NULL,
    `kind` VARCHAR(32) NOT NULL,
    `generation` BIGINT NOT NULL DEFAULT 0,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY uc_affinity_group_name (account_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `affinity_member` (
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `group_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (vm_id, group_id),
    KEY ix_affinity_member_group (group_id),
    CONSTRAINT fk_affinity_member_group FOREIGN KEY (group_id) REFERENCES affinity_group (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
