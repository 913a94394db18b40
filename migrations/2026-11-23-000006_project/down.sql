ALTER TABLE `account` DROP COLUMN `is_project`;
DROP TABLE `project_member`;
DROP TABLE `project`;
