ALTER TABLE `usage_interval`
    DROP KEY ix_usage_interval_sum,
    ADD KEY ix_usage_interval_month (kind, started, ended, account_id);
