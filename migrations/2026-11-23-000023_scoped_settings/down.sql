ALTER TABLE `job` DROP KEY ix_job_finished;
DROP TABLE `scoped_setting`;
