-- projects have default limits of their own, and count for each of their administrators and for the domains above
UPDATE resource_count c JOIN account a ON a.id = c.owner_id
    SET c.max = CASE
        WHEN c.kind IN (5, 116) THEN -1
        WHEN c.kind = 8 THEN 40
        WHEN c.kind = 9 THEN 40960
        WHEN c.kind = 10 THEN 214748364800
        WHEN c.kind IN (11, 13, 15) THEN 429496729600
        ELSE 20 END
    WHERE a.is_project = 1 AND c.own_max IS NULL;

UPDATE resource_count c JOIN (
    SELECT account_id, COUNT(*) AS n FROM project_member WHERE is_admin = 1 GROUP BY account_id
    ) r ON r.account_id = c.owner_id
    SET c.used = r.n WHERE c.kind = 5;

UPDATE resource_count c JOIN (
    SELECT d.id AS domain_id, SUM(s.used) AS n
        FROM domain d
        JOIN domain b ON LEFT(b.path, CHAR_LENGTH(d.path)) = d.path
        JOIN account a ON a.domain_id = b.id
        JOIN resource_count s ON s.owner_id = a.id AND s.kind = 5
        WHERE d.parent_id IS NOT NULL GROUP BY d.id
    ) r ON r.domain_id = c.owner_id
    SET c.used = r.n WHERE c.owner = 'Domain' AND c.kind = 5;
