-- Everything the first release keeps. Ids are UUIDs as text, times are UTC; `alive` is 1 or NULL, so that a unique
-- key binds only what is not removed.

CREATE TABLE `setting` (
    `name` VARCHAR(190) NOT NULL PRIMARY KEY,
    `value` TEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- one row per running service: all that others need to know of it
CREATE TABLE `server` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `name` VARCHAR(255) NOT NULL,
    `version` VARCHAR(64) NOT NULL,
    `started` DATETIME(6) NOT NULL,
    `heartbeat` DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `domain` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `parent_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `path` VARCHAR(700) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_domain_path (path, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `role` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `name` VARCHAR(255) NOT NULL,
    `kind` VARCHAR(32) NOT NULL,
    `description` VARCHAR(255) NOT NULL,
    `is_default` TINYINT(1) NOT NULL,
    UNIQUE KEY uc_role_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `account` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `number` BIGINT NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `role_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `state` VARCHAR(32) NOT NULL,
    `is_default` TINYINT(1) NOT NULL DEFAULT 0,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_account_name (domain_id, name, alive),
    FOREIGN KEY (domain_id) REFERENCES domain (id),
    FOREIGN KEY (role_id) REFERENCES role (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `user` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `username` VARCHAR(255) NOT NULL,
    `password_hash` VARCHAR(255) NOT NULL,
    `first_name` VARCHAR(255) NOT NULL,
    `last_name` VARCHAR(255) NOT NULL,
    `email` VARCHAR(255) NULL,
    `timezone` VARCHAR(64) NULL,
    `state` VARCHAR(32) NOT NULL,
    `api_key` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `secret_key` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `is_default` TINYINT(1) NOT NULL DEFAULT 0,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_user_name (domain_id, username, alive),
    UNIQUE KEY uc_user_key (api_key),
    FOREIGN KEY (account_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `zone` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `name` VARCHAR(255) NOT NULL,
    `dns1` VARCHAR(64) NOT NULL,
    `dns2` VARCHAR(64) NULL,
    `internal_dns1` VARCHAR(64) NOT NULL,
    `internal_dns2` VARCHAR(64) NULL,
    `guest_cidr` VARCHAR(64) NULL,
    `network_domain` VARCHAR(255) NULL,
    `network_type` VARCHAR(16) NOT NULL,
    `allocation_state` VARCHAR(16) NOT NULL,
    `local_storage` TINYINT(1) NOT NULL DEFAULT 1,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_zone_name (name, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `physical_network` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `vlan` VARCHAR(255) NULL,
    `speed` VARCHAR(255) NULL,
    `tags` VARCHAR(255) NULL,
    `isolation_methods` VARCHAR(255) NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    KEY ix_physical_network_zone (zone_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- what travels on a physical network, and the bridge of the hosts that carries it
CREATE TABLE `traffic_type` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `physical_network_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `kind` VARCHAR(16) NOT NULL,
    `label` VARCHAR(64) NULL,
    UNIQUE KEY uc_traffic_type_kind (physical_network_id, kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `pod` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `gateway` VARCHAR(64) NOT NULL,
    `netmask` VARCHAR(64) NOT NULL,
    `start_ip` VARCHAR(64) NOT NULL,
    `end_ip` VARCHAR(64) NULL,
    `allocation_state` VARCHAR(16) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_pod_name (zone_id, name, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `cluster` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `pod_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `hypervisor` VARCHAR(32) NOT NULL,
    `allocation_state` VARCHAR(16) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_cluster_name (pod_id, name, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- identity is the hardware's: the same machine under two names is one host. generation: one more with every claim
-- left_out: what looks like a GPU there and is none of ours, with the reason
CREATE TABLE `host` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `pod_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `cluster_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `hypervisor` VARCHAR(32) NOT NULL,
    `uri` VARCHAR(512) NOT NULL,
    `identity` VARCHAR(255) NOT NULL,
    `host_key` TEXT NULL,
    `ip_address` VARCHAR(255) NOT NULL,
    `state` VARCHAR(32) NOT NULL,
    `state_reason` TEXT NULL,
    `resource_state` VARCHAR(32) NOT NULL,
    `version` VARCHAR(64) NOT NULL,
    `arch` VARCHAR(16) NOT NULL,
    `cpus` INT NOT NULL,
    `mhz` INT NOT NULL,
    `sockets` INT NOT NULL,
    `memory` BIGINT NOT NULL,
    `domain_type` VARCHAR(16) NOT NULL,
    `iommu` TINYINT(1) NOT NULL,
    `tags` VARCHAR(255) NULL,
    `generation` BIGINT NOT NULL DEFAULT 0,
    `left_out` TEXT NULL,
    `last_seen` DATETIME(6) NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_host_identity (identity, alive),
    KEY ix_host_zone (zone_id, alive),
    KEY ix_host_cluster (cluster_id, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- what a host still owes after a clean-up that could not reach it
CREATE TABLE `host_debt` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `kind` VARCHAR(32) NOT NULL,
    `plan` TEXT NOT NULL,
    `why` TEXT NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `paid` DATETIME(6) NULL,
    KEY ix_host_debt_host (host_id, paid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `storage_pool` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `pod_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `cluster_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `kind` VARCHAR(32) NOT NULL,
    `scope` VARCHAR(16) NOT NULL,
    `path` VARCHAR(255) NOT NULL,
    `state` VARCHAR(32) NOT NULL,
    `capacity` BIGINT NOT NULL DEFAULT 0,
    `available` BIGINT NOT NULL DEFAULT 0,
    `tags` VARCHAR(255) NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_storage_pool_name (zone_id, name, alive),
    KEY ix_storage_pool_host (host_id, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `image_store` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `provider` VARCHAR(32) NOT NULL,
    `path` VARCHAR(255) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_image_store_name (name, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `os_category` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `name` VARCHAR(255) NOT NULL,
    UNIQUE KEY uc_os_category_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `os_type` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `category_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    UNIQUE KEY uc_os_type_name (name),
    FOREIGN KEY (category_id) REFERENCES os_category (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `template` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `os_type_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `store_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(4096) NOT NULL,
    `kind` VARCHAR(16) NOT NULL,
    `format` VARCHAR(16) NOT NULL,
    `hypervisor` VARCHAR(32) NOT NULL,
    `arch` VARCHAR(16) NOT NULL,
    `url` VARCHAR(2048) NULL,
    `checksum` VARCHAR(255) NULL,
    `size` BIGINT NOT NULL DEFAULT 0,
    `virtual_size` BIGINT NOT NULL DEFAULT 0,
    `is_public` TINYINT(1) NOT NULL,
    `is_featured` TINYINT(1) NOT NULL,
    `is_extractable` TINYINT(1) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `status` VARCHAR(1024) NOT NULL,
    `percent` INT NOT NULL DEFAULT 0,
    `file` VARCHAR(255) NULL,
    `lease_owner` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `lease_until` DATETIME(6) NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    KEY ix_template_account (account_id),
    KEY ix_template_state (state, lease_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- a template's copy in a pool of a host
CREATE TABLE `template_copy` (
    `template_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `pool_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    PRIMARY KEY (template_id, pool_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `network_offering` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(255) NOT NULL,
    `guest_type` VARCHAR(16) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `is_default` TINYINT(1) NOT NULL,
    `specify_vlan` TINYINT(1) NOT NULL,
    `specify_ip_ranges` TINYINT(1) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `network` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `offering_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `physical_network_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(255) NOT NULL,
    `guest_type` VARCHAR(16) NOT NULL,
    `acl_type` VARCHAR(16) NOT NULL,
    `cidr` VARCHAR(64) NULL,
    `gateway` VARCHAR(64) NULL,
    `netmask` VARCHAR(64) NULL,
    `start_ip` VARCHAR(64) NULL,
    `end_ip` VARCHAR(64) NULL,
    `vlan` VARCHAR(64) NULL,
    `bridge` VARCHAR(64) NULL,
    `network_domain` VARCHAR(255) NULL,
    `state` VARCHAR(32) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    KEY ix_network_account (account_id, alive),
    KEY ix_network_zone (zone_id, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `service_offering` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `gpu_offering_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(255) NOT NULL,
    `cpu_number` INT NULL,
    `cpu_speed` INT NULL,
    `memory_mib` INT NULL,
    `root_disk_size` BIGINT NULL,
    `is_customized` TINYINT(1) NOT NULL,
    `gpu_count` INT NULL,
    `gpu_display` TINYINT(1) NOT NULL,
    `offer_ha` TINYINT(1) NOT NULL,
    `limit_cpu` TINYINT(1) NOT NULL,
    `host_tags` VARCHAR(255) NULL,
    `storage_tags` VARCHAR(255) NULL,
    `storage_type` VARCHAR(16) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `is_default` TINYINT(1) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `disk_offering` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(255) NOT NULL,
    `size` BIGINT NOT NULL,
    `is_customized` TINYINT(1) NOT NULL,
    `tags` VARCHAR(255) NULL,
    `state` VARCHAR(16) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- details of instances, offerings, templates and hosts: text by name
CREATE TABLE `detail` (
    `owner_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(190) NOT NULL,
    `value` TEXT NOT NULL,
    PRIMARY KEY (owner_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `ssh_key_pair` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `fingerprint` VARCHAR(255) NOT NULL,
    `public_key` TEXT NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY uc_ssh_key_pair_name (account_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- demand: what was asked of GPUs, as JSON, fixed when the instance was made
CREATE TABLE `vm` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `last_host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `pool_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `template_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `offering_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `gpu_offering_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `display_name` VARCHAR(255) NOT NULL,
    `instance_name` VARCHAR(80) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `generation` BIGINT NOT NULL DEFAULT 0,
    `cpu_number` INT NOT NULL,
    `cpu_speed` INT NOT NULL,
    `memory_mib` INT NOT NULL,
    `demand` TEXT NULL,
    `gpu_display` TINYINT(1) NOT NULL,
    `user_data` MEDIUMTEXT NULL,
    `key_pairs` TEXT NULL,
    `hypervisor` VARCHAR(32) NOT NULL,
    `is_displayed` TINYINT(1) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `updated` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    KEY ix_vm_host (host_id, state),
    KEY ix_vm_account (account_id, removed),
    UNIQUE KEY uc_vm_instance_name (instance_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `volume` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `pool_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `template_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `kind` VARCHAR(16) NOT NULL,
    `format` VARCHAR(16) NOT NULL,
    `path` VARCHAR(255) NOT NULL,
    `size` BIGINT NOT NULL,
    `device_index` INT NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    KEY ix_volume_vm (vm_id),
    KEY ix_volume_pool (pool_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `nic` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `network_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `mac` VARCHAR(17) NOT NULL,
    `ip` VARCHAR(64) NULL,
    `device_index` INT NOT NULL,
    `is_default` TINYINT(1) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `active` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_nic_ip (network_id, ip, active),
    UNIQUE KEY uc_nic_mac (mac, active),
    KEY ix_nic_vm (vm_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gpu_card` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `vendor_id` CHAR(4) NOT NULL,
    `device_id` CHAR(4) NOT NULL,
    `vendor_name` VARCHAR(255) NOT NULL,
    `device_name` VARCHAR(255) NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_gpu_card_ids (vendor_id, device_id, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `vgpu_profile` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `card_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    `description` VARCHAR(255) NULL,
    `kind` VARCHAR(32) NOT NULL,
    `video_ram` BIGINT NULL,
    `max_heads` BIGINT NULL,
    `max_resolution_x` BIGINT NULL,
    `max_resolution_y` BIGINT NULL,
    `max_per_gpu` BIGINT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_vgpu_profile_name (card_id, name, alive),
    FOREIGN KEY (card_id) REFERENCES gpu_card (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- no owner here: who holds a device is in gpu_allocation alone. A device that is gone for good has removed set, alive NULL.
-- carrier: the PCI function itself; of a mediated device the function that carries it
CREATE TABLE `gpu_device` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `card_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `parent_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `address` VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `device_type` VARCHAR(16) NOT NULL,
    `carrier` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `mdev_type` VARCHAR(128) NULL,
    `on_demand` TINYINT(1) NOT NULL DEFAULT 0,
    `numa_node` INT NULL,
    `pci_root` VARCHAR(32) NULL,
    `pci_switch` VARCHAR(32) NULL,
    `iommu_group` INT NULL,
    `companions` TEXT NULL,
    `driver` VARCHAR(64) NULL,
    `managed` VARCHAR(16) NOT NULL,
    `health` VARCHAR(16) NOT NULL,
    `health_reason` TEXT NULL,
    `is_ready` TINYINT(1) NOT NULL,
    `ready_reason` TEXT NULL,
    `missed` INT NOT NULL DEFAULT 0,
    `since` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `seen` DATETIME(6) NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_gpu_device_address (host_id, address, alive),
    KEY ix_gpu_device_alive (alive, id),
    KEY ix_gpu_device_profile (profile_id, alive, host_id),
    KEY ix_gpu_device_parent (parent_id),
    FOREIGN KEY (host_id) REFERENCES host (id),
    FOREIGN KEY (profile_id) REFERENCES vgpu_profile (id),
    FOREIGN KEY (card_id) REFERENCES gpu_card (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- what slices the functions of a physical GPU can carry, as its host last said; existing ones are included in the capacities
CREATE TABLE `gpu_slice_type` (
    `device_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `carrier` VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `mdev_type` VARCHAR(128) NOT NULL,
    `capacity` INT NOT NULL,
    `gpu_capacity` INT NOT NULL,
    `is_mixed` TINYINT(1) NOT NULL,
    PRIMARY KEY (device_id, carrier, mdev_type),
    FOREIGN KEY (device_id) REFERENCES gpu_device (id),
    FOREIGN KEY (profile_id) REFERENCES vgpu_profile (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- the one owner: at most one active row per device, by the unique key
CREATE TABLE `gpu_allocation` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `device_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `vm_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `host_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `active` TINYINT(1) NULL DEFAULT 1,
    `position` INT NOT NULL,
    `reserved` DATETIME(6) NOT NULL,
    `allocated` DATETIME(6) NULL,
    `releasing` DATETIME(6) NULL,
    `released` DATETIME(6) NULL,
    `proof` TEXT NULL,
    UNIQUE KEY uc_gpu_allocation_owner (device_id, active),
    KEY ix_gpu_allocation_vm (vm_id, active),
    KEY ix_gpu_allocation_host (host_id, active),
    KEY ix_gpu_allocation_state (active, state),
    FOREIGN KEY (device_id) REFERENCES gpu_device (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gpu_offering` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `zone_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `name` VARCHAR(255) NOT NULL,
    `display_text` VARCHAR(255) NOT NULL,
    `display` TINYINT(1) NOT NULL,
    `numa_policy` VARCHAR(16) NOT NULL,
    `placement` VARCHAR(16) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `removed` DATETIME(6) NULL,
    `alive` TINYINT(1) NULL DEFAULT 1,
    UNIQUE KEY uc_gpu_offering_name (name, alive)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gpu_offering_alternative` (
    `offering_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `position` INT NOT NULL,
    `profile_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `count` INT NOT NULL,
    PRIMARY KEY (offering_id, position),
    FOREIGN KEY (offering_id) REFERENCES gpu_offering (id),
    FOREIGN KEY (profile_id) REFERENCES vgpu_profile (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

-- busy_subject: one running job per thing, by the unique key; set by the claim, NULL again at the end
CREATE TABLE `job` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `command` VARCHAR(128) NOT NULL,
    `plan` MEDIUMTEXT NOT NULL,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `subject_kind` VARCHAR(32) NULL,
    `subject_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `busy_subject` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `state` VARCHAR(16) NOT NULL,
    `attempt` INT NOT NULL DEFAULT 0,
    `lease_owner` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `lease_until` DATETIME(6) NULL,
    `progress` VARCHAR(1024) NULL,
    `result` MEDIUMTEXT NULL,
    `error_code` INT NULL,
    `error_text` TEXT NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `started` DATETIME(6) NULL,
    `finished` DATETIME(6) NULL,
    UNIQUE KEY uc_job_busy (busy_subject),
    KEY ix_job_state (state, id),
    KEY ix_job_account (account_id, id),
    KEY ix_job_subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `event` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `kind` VARCHAR(64) NOT NULL,
    `level` VARCHAR(16) NOT NULL,
    `state` VARCHAR(16) NOT NULL,
    `description` VARCHAR(1024) NOT NULL,
    `user_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `account_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `domain_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `resource_kind` VARCHAR(32) NULL,
    `resource_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `job_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    KEY ix_event_account (account_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `alert` (
    `id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    `kind` VARCHAR(64) NOT NULL,
    `description` VARCHAR(1024) NOT NULL,
    `resource_kind` VARCHAR(32) NULL,
    `resource_id` CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `created` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    `resolved` DATETIME(6) NULL,
    KEY ix_alert_resource (resource_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
