UPDATE resource_count SET used = 0 WHERE kind = 5;
