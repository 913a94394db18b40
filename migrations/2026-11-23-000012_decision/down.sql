ALTER TABLE `vm` DROP COLUMN `decision`, DROP COLUMN `decided`;
