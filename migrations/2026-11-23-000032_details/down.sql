DROP TABLE `annotation`;
ALTER TABLE `detail` DROP COLUMN `for_display`;
