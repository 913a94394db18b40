ALTER TABLE `volume` DROP COLUMN `limit_tags`;
ALTER TABLE `vm` DROP COLUMN `limit_tags`;
DROP TABLE `limit_tag`;
DELETE FROM `resource_count` WHERE kind > 1000;
