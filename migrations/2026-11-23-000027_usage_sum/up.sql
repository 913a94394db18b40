-- a sum by account reads this index alone, in its order: a third of the table's size, and nothing is sorted
ALTER TABLE `usage_interval`
    DROP KEY ix_usage_interval_month,
    ADD KEY ix_usage_interval_sum (kind, account_id, started, ended, memory_mib);
