-- details that only administrators see; and what people write about things. account_id, domain_id: the owner of the thing, none of
-- what belongs to the cloud. kind: the entity type in CloudStack's words.
ALTER TABLE `detail` ADD COLUMN `for_display` TINYINT(1) NOT NULL DEFAULT 1;
CREATE TABLE `annotation` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `kind` VARCHAR(32) NOT NULL,
    `entity_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `body` TEXT NOT NULL,
    `admins_only` TINYINT(1) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    KEY ix_annotation_entity (entity_id, admins_only),
    KEY ix_annotation_user (user_id),
    KEY ix_annotation_account (account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
