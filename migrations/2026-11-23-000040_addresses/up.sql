-- addresses of shared networks are used from now on (usage type 3)
INSERT INTO usage_interval (id, kind, account_id, domain_id, zone_id, subject_id, vm_id, name, started)
    SELECT UUID(), 3, v.account_id, v.domain_id, v.zone_id, n.id, v.id, n.ip, UTC_TIMESTAMP(6)
    FROM nic n JOIN network w ON w.id = n.network_id JOIN vm v ON v.id = n.vm_id
    WHERE n.active = 1 AND n.ip IS NOT NULL AND w.guest_type = 'Shared' AND v.removed IS NULL;
