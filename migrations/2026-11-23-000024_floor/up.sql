-- the step that a program must know to work on this schema, and the newest one that each server knows
CREATE TABLE `schema_floor` (
    `id` INT NOT NULL PRIMARY KEY,
    `step` VARCHAR(50) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `schema_floor` (id, step) VALUES (1, '20261123000014');
ALTER TABLE `server` ADD COLUMN `newest_step` VARCHAR(50) NULL;
