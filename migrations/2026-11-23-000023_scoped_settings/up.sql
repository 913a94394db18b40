-- values of settings for one account, domain, zone .. only
CREATE TABLE `scoped_setting` (
    `scope` VARCHAR(16) NOT NULL,
    `scope_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(190) NOT NULL,
    `value` TEXT NOT NULL,
    PRIMARY KEY (scope, scope_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- jobs that ended are removed after a while, the oldest first
ALTER TABLE `job` ADD KEY ix_job_finished (finished);
