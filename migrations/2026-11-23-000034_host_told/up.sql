-- What a host's last probe told that only placement asks: its NUMA nodes, what its guests can boot by. NULL: nothing yet.
ALTER TABLE `host` ADD COLUMN `told` TEXT NULL;
