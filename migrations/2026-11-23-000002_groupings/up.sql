-- fabric: the partitions of GPUs that are wired to each other, as the operator's file lists them, by module ids
ALTER TABLE `host` ADD COLUMN `fabric` TEXT NULL;

-- module_id: which module of its host's fabric a GPU is; mig_start: the memory slice where a MIG instance was put
ALTER TABLE `gpu_device` ADD COLUMN `module_id` INT NULL, ADD COLUMN `mig_start` INT NULL;
