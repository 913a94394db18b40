UPDATE `alert` SET `kind` = 'HOST' WHERE `kind` = 'ALERT.COMPUTE.HOST';
ALTER TABLE `alert`
    DROP KEY ix_alert_listed,
    DROP KEY ix_alert_told,
    DROP KEY uc_alert_open,
    DROP COLUMN `told_next`,
    DROP COLUMN `told_tries`,
    DROP COLUMN `told`,
    DROP COLUMN `pod_id`,
    DROP COLUMN `zone_id`,
    DROP COLUMN `shelf`,
    DROP COLUMN `open`,
    DROP COLUMN `number`;
