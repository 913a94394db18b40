-- The default roles of users that read only, and of support, get the rules of commands that came after a cloud was made: before
-- the first rule that fits everything, so that what an administrator of the database put there still decides. A new cloud has no
-- roles yet and is seeded with them. A later command gets a step like this one.
UPDATE role_rule r
    JOIN (SELECT a.role_id, MIN(a.sort_order) AS place FROM role_rule a WHERE a.rule = '*' GROUP BY a.role_id) f
        ON f.role_id = r.role_id
    SET r.sort_order = r.sort_order + 10
    WHERE r.sort_order >= f.place
        AND r.role_id IN ('01920000-0000-7000-8000-000000000105', '01920000-0000-7000-8000-000000000107');
INSERT INTO role_rule (id, role_id, rule, is_allowed, sort_order)
    SELECT w.id, w.role_id, w.rule, 1, w.place + COALESCE(
        (SELECT MIN(a.sort_order) - 10 FROM role_rule a WHERE a.role_id = w.role_id AND a.rule = '*'),
        (SELECT MAX(b.sort_order) + 1 FROM role_rule b WHERE b.role_id = w.role_id), 0)
    FROM (
        SELECT '01920000-0000-7000-8000-000000025000' AS id, '01920000-0000-7000-8000-000000000105' AS role_id,
            'listUsageRecords' AS rule, 0 AS place
        UNION ALL SELECT '01920000-0000-7000-8000-000000025001', '01920000-0000-7000-8000-000000000105', 'listUsageTypes', 1
        UNION ALL SELECT '01920000-0000-7000-8000-000000025002', '01920000-0000-7000-8000-000000000105', 'listPlacementDecisions', 2
        UNION ALL SELECT '01920000-0000-7000-8000-000000027000', '01920000-0000-7000-8000-000000000107', 'listUsageRecords', 0
        UNION ALL SELECT '01920000-0000-7000-8000-000000027001', '01920000-0000-7000-8000-000000000107', 'listUsageTypes', 1
        UNION ALL SELECT '01920000-0000-7000-8000-000000027002', '01920000-0000-7000-8000-000000000107', 'listPlacementDecisions', 2
    ) w JOIN role ON role.id = w.role_id
    WHERE NOT EXISTS (SELECT 1 FROM role_rule o WHERE o.role_id = w.role_id AND LOWER(o.rule) = LOWER(w.rule));
UPDATE role SET revision = revision + 1
    WHERE id IN ('01920000-0000-7000-8000-000000000105', '01920000-0000-7000-8000-000000000107');
