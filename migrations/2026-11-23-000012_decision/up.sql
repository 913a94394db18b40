-- why the instance is where it is: what placement chose at its last reservation, and instead of what, as JSON
ALTER TABLE `vm` ADD COLUMN `decision` MEDIUMTEXT NULL, ADD COLUMN `decided` DATETIME(6) NULL;
