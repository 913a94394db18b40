-- One row per session: what the browser holds is kept as a hash only, so that who reads the table is not logged in.
CREATE TABLE `session` (
    `id` CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `key_hash` CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `created` DATETIME(6) NOT NULL,
    `last_used` DATETIME(6) NOT NULL,
    KEY ix_session_user (user_id),
    KEY ix_session_last_used (last_used),
    CONSTRAINT fk_session_user FOREIGN KEY (user_id) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
