ALTER TABLE `host` DROP KEY ix_host_changed, DROP COLUMN `changed`;
