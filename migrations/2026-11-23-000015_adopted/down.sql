ALTER TABLE `vm` DROP COLUMN `adopted`;
