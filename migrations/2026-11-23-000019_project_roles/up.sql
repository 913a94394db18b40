-- Roles of projects with their rules, in order, the first that fits decides; and single users as members. A row with a role is
-- limited by it; without one a member may do in the project what its own role allows. Administrators of a project have none.
CREATE TABLE `project_role` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `project_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `description` VARCHAR(255) NULL,
    UNIQUE KEY uc_project_role_name (project_id, name),
    CONSTRAINT fk_project_role_project FOREIGN KEY (project_id) REFERENCES project (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `project_role_rule` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `role_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `rule` VARCHAR(255) NOT NULL,
    `is_allowed` TINYINT(1) NOT NULL,
    `description` VARCHAR(255) NULL,
    `sort_order` INT NOT NULL,
    KEY ix_project_role_rule_order (role_id, sort_order),
    CONSTRAINT fk_project_role_rule_role FOREIGN KEY (role_id) REFERENCES project_role (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `project_user` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `project_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `is_admin` TINYINT(1) NOT NULL,
    `role_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    UNIQUE KEY uc_project_user (project_id, user_id),
    KEY ix_project_user_user (user_id),
    CONSTRAINT fk_project_user_project FOREIGN KEY (project_id) REFERENCES project (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
ALTER TABLE `project_member` ADD COLUMN `role_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL;
