-- parent_id: the event of a job's admission. Events that were archived are listed only when they are asked for.
ALTER TABLE `event`
    ADD COLUMN `parent_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN `archived` TINYINT(1) NOT NULL DEFAULT 0,
    ADD KEY ix_event_job (job_id),
    ADD KEY ix_event_resource (resource_id, id),
    ADD KEY ix_event_created (created);
