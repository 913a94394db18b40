DROP TABLE usage_interval;
