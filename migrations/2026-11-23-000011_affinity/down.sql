DROP TABLE affinity_member;
DROP TABLE affinity_group;
