DELETE FROM usage_interval WHERE kind = 3;
