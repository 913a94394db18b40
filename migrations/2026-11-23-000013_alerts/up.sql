-- number: CloudStack's number of the kind. open: 1 as long as what it tells is so, at most one such row for each kind and
-- thing. shelf: Listed, Archived, or Deleted while it is open (it must not come back each round). told: what the webhook
-- was told, 0 nothing, 1 that it began, 2 that it ended.
ALTER TABLE `alert`
    ADD COLUMN `number` INT NOT NULL DEFAULT 7,
    ADD COLUMN `open` TINYINT(1) NULL,
    ADD COLUMN `shelf` VARCHAR(32) NOT NULL DEFAULT 'Listed',
    ADD COLUMN `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN `pod_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN `told` INT NOT NULL DEFAULT 0,
    ADD COLUMN `told_tries` INT NOT NULL DEFAULT 0,
    ADD COLUMN `told_next` DATETIME(6) NULL,
    ADD UNIQUE KEY uc_alert_open (resource_id, kind, open),
    ADD KEY ix_alert_told (told, created),
    ADD KEY ix_alert_listed (shelf, created);
UPDATE IGNORE `alert` SET `open` = 1 WHERE `resolved` IS NULL;
UPDATE `alert` SET `kind` = 'ALERT.COMPUTE.HOST' WHERE `kind` = 'HOST';
UPDATE `alert` SET `number` = 1161 WHERE `kind` = 'ALERT.GPU.QUARANTINED';
UPDATE `alert` SET `number` = 1162 WHERE `kind` = 'ALERT.GPU.MISSING';
UPDATE `alert` SET `number` = 1163 WHERE `kind` = 'ALERT.GPU.FOREIGN';
UPDATE `alert` SET `number` = 1164 WHERE `kind` = 'ALERT.GPU.DRIFT';
