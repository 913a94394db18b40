ALTER TABLE `project_member` DROP COLUMN `role_id`;
DROP TABLE `project_user`;
DROP TABLE `project_role_rule`;
DROP TABLE `project_role`;
