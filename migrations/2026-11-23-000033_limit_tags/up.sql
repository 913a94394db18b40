-- tags of hosts and of storage that have limits of their own. number: the rows of resource_count that count what needs the tag have
-- the kind of the resource and 1000 times this. limit_tags: the numbers of the tags that an instance or a volume counts for.
CREATE TABLE `limit_tag` (
    `number` INT NOT NULL PRIMARY KEY,
    `scope` VARCHAR(16) NOT NULL,
    `name` VARCHAR(190) NOT NULL,
    UNIQUE KEY uc_limit_tag_name (scope, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
ALTER TABLE `vm` ADD COLUMN `limit_tags` VARCHAR(255) NULL;
ALTER TABLE `volume` ADD COLUMN `limit_tags` VARCHAR(255) NULL;
