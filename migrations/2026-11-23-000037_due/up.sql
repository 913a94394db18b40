-- What is to be sealed is a range of an index, so that a look reads nothing else. written: how many steps of the allocation are in
-- the history; due: 1 as long as there are more, worked out by the database, so that whoever writes a step cannot forget it.
ALTER TABLE `gpu_allocation`
    DROP KEY ix_gpu_allocation_sealed,
    ADD COLUMN `written` INT NOT NULL DEFAULT 0,
    ADD COLUMN `due` TINYINT(1) GENERATED ALWAYS AS (IF(
        `sealed` = 1 OR `written` >= 1 + (`allocated` IS NOT NULL) + (`releasing` IS NOT NULL) + (`released` IS NOT NULL),
        NULL, 1)) STORED,
    ADD KEY ix_gpu_allocation_due (due, reserved);
UPDATE `gpu_allocation` a JOIN (SELECT allocation_id, COUNT(*) AS n FROM gpu_history GROUP BY allocation_id) h
    ON h.allocation_id = a.id SET a.written = h.n;
