-- Why an instance was where it was before: what its row held when it was decided anew. The last few of each instance.
CREATE TABLE `vm_decision` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `decided` DATETIME(6) NOT NULL,
    `decision` MEDIUMTEXT NOT NULL,
    KEY ix_vm_decision_vm (vm_id, decided)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
