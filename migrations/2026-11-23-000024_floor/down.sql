ALTER TABLE `server` DROP COLUMN `newest_step`;
DROP TABLE `schema_floor`;
