-- A project is an account that several accounts share: what belongs to it is owned by that account, so that nothing that
-- has an owner needs a second column.
CREATE TABLE `project` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(255) NOT NULL,
    `is_active` TINYINT(1) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_project_name (domain_id, name, alive),
    UNIQUE KEY uc_project_account (account_id),
    CONSTRAINT fk_project_account FOREIGN KEY (account_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `project_member` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `project_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `is_admin` TINYINT(1) NOT NULL,
    UNIQUE KEY uc_project_member (project_id, account_id),
    KEY ix_project_member_account (account_id),
    CONSTRAINT fk_project_member_project FOREIGN KEY (project_id) REFERENCES project (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
ALTER TABLE `account` ADD COLUMN `is_project` TINYINT(1) NOT NULL DEFAULT 0;
