-- What a role may call: rules in order, the first that fits decides. The revision is one more with every change, so that
-- servers that keep rules in memory see with each request whether they still hold.
CREATE TABLE `role_rule` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `role_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `rule` VARCHAR(255) NOT NULL,
    `is_allowed` TINYINT(1) NOT NULL,
    `description` VARCHAR(255) NULL,
    `sort_order` INT NOT NULL,
    KEY ix_role_rule_order (role_id, sort_order),
    CONSTRAINT fk_role_rule_role FOREIGN KEY (role_id) REFERENCES role (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
ALTER TABLE `role`
    ADD COLUMN `is_public` TINYINT(1) NOT NULL DEFAULT 1,
    ADD COLUMN `revision` BIGINT NOT NULL DEFAULT 0;
