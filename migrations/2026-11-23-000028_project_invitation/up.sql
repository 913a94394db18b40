-- Invitations to projects, at most one for each that is invited: an account, or one of its users. A pending one is over
-- at `expires`.
CREATE TABLE `project_invitation` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `project_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `invitee` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `is_admin` TINYINT(1) NOT NULL,
    `role_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `state` VARCHAR(32) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `expires` DATETIME(6) NOT NULL,
    UNIQUE KEY uc_project_invitation (project_id, invitee),
    KEY ix_project_invitation_account (account_id),
    CONSTRAINT fk_project_invitation_project FOREIGN KEY (project_id) REFERENCES project (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
