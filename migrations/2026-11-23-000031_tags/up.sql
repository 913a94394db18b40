-- what users write on their things; one name once on a thing, whatever its case. kind: the resource type in CloudStack's words.
-- The owner is that of the thing, which never changes.
CREATE TABLE `tag` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `kind` VARCHAR(32) NOT NULL,
    `resource_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `value` VARCHAR(255) NOT NULL,
    `customer` VARCHAR(255) NULL,
    UNIQUE KEY uc_tag_name (resource_id, name),
    KEY ix_tag_pair (name, value),
    KEY ix_tag_account (account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
