UPDATE resource_count c
    JOIN (SELECT u.account_id AS owner_id, COUNT(*) AS n FROM project_user p JOIN user u ON u.id = p.user_id
        WHERE p.is_admin = 1 GROUP BY u.account_id) x ON x.owner_id = c.owner_id
    SET c.used = c.used - x.n WHERE c.kind = 5;
UPDATE resource_count c
    JOIN (SELECT d.id AS owner_id, COUNT(*) AS n FROM project_user p JOIN user u ON u.id = p.user_id
        JOIN domain b ON b.id = u.domain_id
        JOIN domain d ON LEFT(b.path, CHAR_LENGTH(d.path)) = d.path AND d.parent_id IS NOT NULL
        WHERE p.is_admin = 1 GROUP BY d.id) x ON x.owner_id = c.owner_id
    SET c.used = c.used - x.n WHERE c.kind = 5;
