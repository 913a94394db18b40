-- changed: when the generation last moved. Servers keep the hosts of a zone in memory and ask only which of them changed
-- since they last looked; the index answers that without a row.
ALTER TABLE `host`
    ADD COLUMN `changed` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    ADD KEY ix_host_changed (zone_id, changed, generation, alive);
