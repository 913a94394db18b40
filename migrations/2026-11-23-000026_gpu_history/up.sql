-- Who held which GPU, written once for each step of an allocation and never changed. chain_id: the physical GPU; the entries of
-- a chain are counted by position, and hash covers an entry and the hash before it. stage: 1 reserved, 2 allocated, 3 releasing,
-- 4 released. Names are those of the moment. gpu_history_head: where each chain ends, so that a cut end shows.
CREATE TABLE `gpu_history` (
    `chain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `position` BIGINT NOT NULL,
    `allocation_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `stage` INT NOT NULL,
    `device_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `happened` DATETIME(6) NOT NULL,
    `cause` VARCHAR(64) NULL,
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `vm_name` VARCHAR(255) NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `account` VARCHAR(255) NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `domain_path` VARCHAR(700) NULL,
    `project_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `project` VARCHAR(255) NULL,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `host` VARCHAR(255) NULL,
    `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `memory_mib` BIGINT NOT NULL,
    `proof` TEXT NULL,
    `hash` CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (chain_id, position),
    UNIQUE KEY uc_gpu_history_once (allocation_id, stage)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `gpu_history_head` (
    `chain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `position` BIGINT NOT NULL,
    `hash` CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO gpu_history_head (chain_id, position, hash) VALUES ('00000000-0000-0000-0000-000000000000', 0, '');
-- 1: every step of it is in the history. What there was before is written there by the first server that runs.
ALTER TABLE `gpu_allocation`
    ADD COLUMN `sealed` TINYINT(1) NOT NULL DEFAULT 0,
    ADD KEY ix_gpu_allocation_sealed (sealed);
