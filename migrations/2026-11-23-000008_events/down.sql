ALTER TABLE `event`
    DROP KEY ix_event_job,
    DROP KEY ix_event_resource,
    DROP KEY ix_event_created,
    DROP COLUMN `parent_id`,
    DROP COLUMN `archived`;
