ALTER TABLE `role` DROP COLUMN `revision`, DROP COLUMN `is_public`;
DROP TABLE `role_rule`;
