-- instances that were made by hand: the cloud has their disks and interfaces in its books, but made none of them
ALTER TABLE `vm` ADD COLUMN `adopted` TINYINT(1) NOT NULL DEFAULT 0;
UPDATE `vm` SET `adopted` = 1 WHERE NOT EXISTS (SELECT 1 FROM `volume` WHERE `volume`.`vm_id` = `vm`.`id`);
