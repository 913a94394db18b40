//! The tables, derived from the migrations by `integration/sweep_schema.rs`; never edited by hand.

diesel::table! {
    account (id) {
        id -> Text,
        number -> BigInt,
        domain_id -> Text,
        role_id -> Text,
        name -> Text,
        state -> Text,
        is_default -> Bool,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
        is_project -> Bool,
    }
}

diesel::table! {
    affinity_group (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        name -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        generation -> BigInt,
        created -> Datetime,
    }
}

diesel::table! {
    affinity_member (vm_id, group_id) {
        vm_id -> Text,
        group_id -> Text,
    }
}

diesel::table! {
    alert (id) {
        id -> Text,
        kind -> Text,
        description -> Text,
        resource_kind -> Nullable<Text>,
        resource_id -> Nullable<Text>,
        created -> Datetime,
        resolved -> Nullable<Datetime>,
        number -> Integer,
        open -> Nullable<Bool>,
        shelf -> Text,
        zone_id -> Nullable<Text>,
        pod_id -> Nullable<Text>,
        told -> Integer,
        told_tries -> Integer,
        told_next -> Nullable<Datetime>,
    }
}

diesel::table! {
    annotation (id) {
        id -> Text,
        kind -> Text,
        entity_id -> Text,
        account_id -> Nullable<Text>,
        domain_id -> Nullable<Text>,
        user_id -> Text,
        body -> Text,
        admins_only -> Bool,
        created -> Datetime,
    }
}

diesel::table! {
    cluster (id) {
        id -> Text,
        zone_id -> Text,
        pod_id -> Text,
        name -> Text,
        hypervisor -> Text,
        allocation_state -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    detail (owner_id, name) {
        owner_id -> Text,
        name -> Text,
        value -> Text,
        for_display -> Bool,
    }
}

diesel::table! {
    disk_offering (id) {
        id -> Text,
        name -> Text,
        display_text -> Text,
        size -> BigInt,
        is_customized -> Bool,
        tags -> Nullable<Text>,
        state -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
    }
}

diesel::table! {
    domain (id) {
        id -> Text,
        parent_id -> Nullable<Text>,
        name -> Text,
        path -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    event (id) {
        id -> Text,
        kind -> Text,
        level -> Text,
        state -> Text,
        description -> Text,
        user_id -> Text,
        account_id -> Text,
        domain_id -> Text,
        resource_kind -> Nullable<Text>,
        resource_id -> Nullable<Text>,
        job_id -> Nullable<Text>,
        created -> Datetime,
        parent_id -> Nullable<Text>,
        archived -> Bool,
    }
}

diesel::table! {
    gpu_allocation (id) {
        id -> Text,
        device_id -> Text,
        vm_id -> Text,
        host_id -> Text,
        state -> Text,
        active -> Nullable<Bool>,
        position -> Integer,
        reserved -> Datetime,
        allocated -> Nullable<Datetime>,
        releasing -> Nullable<Datetime>,
        released -> Nullable<Datetime>,
        proof -> Nullable<Text>,
        account_id -> Nullable<Text>,
        domain_id -> Nullable<Text>,
        profile_id -> Nullable<Text>,
        memory_mib -> BigInt,
        sealed -> Bool,
        written -> Integer,
        due -> Nullable<Bool>,
    }
}

diesel::table! {
    gpu_card (id) {
        id -> Text,
        vendor_id -> Text,
        device_id -> Text,
        vendor_name -> Text,
        device_name -> Text,
        name -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    gpu_device (id) {
        id -> Text,
        host_id -> Text,
        card_id -> Text,
        profile_id -> Text,
        parent_id -> Nullable<Text>,
        address -> Text,
        device_type -> Text,
        carrier -> Text,
        mdev_type -> Nullable<Text>,
        on_demand -> Bool,
        numa_node -> Nullable<Integer>,
        pci_root -> Nullable<Text>,
        pci_switch -> Nullable<Text>,
        iommu_group -> Nullable<Integer>,
        companions -> Nullable<Text>,
        driver -> Nullable<Text>,
        managed -> Text,
        health -> Text,
        health_reason -> Nullable<Text>,
        is_ready -> Bool,
        ready_reason -> Nullable<Text>,
        missed -> Integer,
        since -> Datetime,
        seen -> Nullable<Datetime>,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
        module_id -> Nullable<Integer>,
        mig_start -> Nullable<Integer>,
        draining -> Bool,
    }
}

diesel::table! {
    gpu_drift (id) {
        id -> Text,
        host_id -> Text,
        device_id -> Text,
        kind -> Text,
        expected -> Text,
        seen -> Text,
        accepted -> Nullable<Text>,
        domain_name -> Nullable<Text>,
        since -> Datetime,
    }
}

diesel::table! {
    gpu_history (chain_id, position) {
        chain_id -> Text,
        position -> BigInt,
        allocation_id -> Text,
        stage -> Integer,
        device_id -> Text,
        happened -> Datetime,
        cause -> Nullable<Text>,
        vm_id -> Text,
        vm_name -> Nullable<Text>,
        account_id -> Nullable<Text>,
        account -> Nullable<Text>,
        domain_id -> Nullable<Text>,
        domain_path -> Nullable<Text>,
        project_id -> Nullable<Text>,
        project -> Nullable<Text>,
        host_id -> Text,
        host -> Nullable<Text>,
        profile_id -> Nullable<Text>,
        memory_mib -> BigInt,
        proof -> Nullable<Text>,
        hash -> Text,
    }
}

diesel::table! {
    gpu_history_head (chain_id) {
        chain_id -> Text,
        position -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    gpu_offering (id) {
        id -> Text,
        domain_id -> Nullable<Text>,
        zone_id -> Nullable<Text>,
        name -> Text,
        display_text -> Text,
        display -> Bool,
        numa_policy -> Text,
        placement -> Text,
        state -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    gpu_offering_alternative (offering_id, position) {
        offering_id -> Text,
        position -> Integer,
        profile_id -> Text,
        count -> Integer,
    }
}

diesel::table! {
    gpu_slice_type (device_id, carrier, mdev_type) {
        device_id -> Text,
        profile_id -> Text,
        carrier -> Text,
        mdev_type -> Text,
        capacity -> Integer,
        gpu_capacity -> Integer,
        is_mixed -> Bool,
    }
}

diesel::table! {
    host (id) {
        id -> Text,
        zone_id -> Text,
        pod_id -> Text,
        cluster_id -> Text,
        name -> Text,
        hypervisor -> Text,
        uri -> Text,
        identity -> Text,
        host_key -> Nullable<Text>,
        ip_address -> Text,
        state -> Text,
        state_reason -> Nullable<Text>,
        resource_state -> Text,
        version -> Text,
        arch -> Text,
        cpus -> Integer,
        mhz -> Integer,
        sockets -> Integer,
        memory -> BigInt,
        domain_type -> Text,
        iommu -> Bool,
        tags -> Nullable<Text>,
        generation -> BigInt,
        left_out -> Nullable<Text>,
        last_seen -> Nullable<Datetime>,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
        fabric -> Nullable<Text>,
        changed -> Datetime,
        draining -> Bool,
        told -> Nullable<Text>,
    }
}

diesel::table! {
    host_debt (id) {
        id -> Text,
        host_id -> Text,
        kind -> Text,
        plan -> Text,
        why -> Text,
        created -> Datetime,
        paid -> Nullable<Datetime>,
    }
}

diesel::table! {
    image_store (id) {
        id -> Text,
        zone_id -> Nullable<Text>,
        name -> Text,
        provider -> Text,
        path -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    job (id) {
        id -> Text,
        command -> Text,
        plan -> Text,
        user_id -> Text,
        account_id -> Text,
        domain_id -> Text,
        subject_kind -> Nullable<Text>,
        subject_id -> Nullable<Text>,
        busy_subject -> Nullable<Text>,
        state -> Text,
        attempt -> Integer,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Datetime>,
        progress -> Nullable<Text>,
        result -> Nullable<Text>,
        error_code -> Nullable<Integer>,
        error_text -> Nullable<Text>,
        created -> Datetime,
        started -> Nullable<Datetime>,
        finished -> Nullable<Datetime>,
    }
}

diesel::table! {
    limit_tag (number) {
        number -> Integer,
        scope -> Text,
        name -> Text,
    }
}

diesel::table! {
    network (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        zone_id -> Text,
        offering_id -> Text,
        physical_network_id -> Nullable<Text>,
        name -> Text,
        display_text -> Text,
        guest_type -> Text,
        acl_type -> Text,
        cidr -> Nullable<Text>,
        gateway -> Nullable<Text>,
        netmask -> Nullable<Text>,
        start_ip -> Nullable<Text>,
        end_ip -> Nullable<Text>,
        vlan -> Nullable<Text>,
        bridge -> Nullable<Text>,
        network_domain -> Nullable<Text>,
        state -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    network_offering (id) {
        id -> Text,
        name -> Text,
        display_text -> Text,
        guest_type -> Text,
        state -> Text,
        is_default -> Bool,
        specify_vlan -> Bool,
        specify_ip_ranges -> Bool,
        created -> Datetime,
        removed -> Nullable<Datetime>,
    }
}

diesel::table! {
    nic (id) {
        id -> Text,
        vm_id -> Text,
        network_id -> Text,
        mac -> Text,
        ip -> Nullable<Text>,
        device_index -> Integer,
        is_default -> Bool,
        created -> Datetime,
        active -> Nullable<Bool>,
    }
}

diesel::table! {
    os_category (id) {
        id -> Text,
        name -> Text,
    }
}

diesel::table! {
    os_type (id) {
        id -> Text,
        category_id -> Text,
        name -> Text,
    }
}

diesel::table! {
    physical_network (id) {
        id -> Text,
        zone_id -> Text,
        name -> Text,
        state -> Text,
        vlan -> Nullable<Text>,
        speed -> Nullable<Text>,
        tags -> Nullable<Text>,
        isolation_methods -> Nullable<Text>,
        created -> Datetime,
        removed -> Nullable<Datetime>,
    }
}

diesel::table! {
    pod (id) {
        id -> Text,
        zone_id -> Text,
        name -> Text,
        gateway -> Text,
        netmask -> Text,
        start_ip -> Text,
        end_ip -> Nullable<Text>,
        allocation_state -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    project (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        name -> Text,
        display_text -> Text,
        is_active -> Bool,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    project_invitation (id) {
        id -> Text,
        project_id -> Text,
        account_id -> Text,
        domain_id -> Text,
        user_id -> Nullable<Text>,
        invitee -> Text,
        is_admin -> Bool,
        role_id -> Nullable<Text>,
        state -> Text,
        created -> Datetime,
        expires -> Datetime,
    }
}

diesel::table! {
    project_member (id) {
        id -> Text,
        project_id -> Text,
        account_id -> Text,
        is_admin -> Bool,
        role_id -> Nullable<Text>,
    }
}

diesel::table! {
    project_role (id) {
        id -> Text,
        project_id -> Text,
        name -> Text,
        description -> Nullable<Text>,
    }
}

diesel::table! {
    project_role_rule (id) {
        id -> Text,
        role_id -> Text,
        rule -> Text,
        is_allowed -> Bool,
        description -> Nullable<Text>,
        sort_order -> Integer,
    }
}

diesel::table! {
    project_user (id) {
        id -> Text,
        project_id -> Text,
        user_id -> Text,
        is_admin -> Bool,
        role_id -> Nullable<Text>,
    }
}

diesel::table! {
    resource_count (owner_id, kind) {
        owner_id -> Text,
        kind -> Integer,
        owner -> Text,
        used -> BigInt,
        own_max -> Nullable<BigInt>,
        max -> BigInt,
    }
}

diesel::table! {
    role (id) {
        id -> Text,
        name -> Text,
        kind -> Text,
        description -> Text,
        is_default -> Bool,
        is_public -> Bool,
        revision -> BigInt,
    }
}

diesel::table! {
    role_rule (id) {
        id -> Text,
        role_id -> Text,
        rule -> Text,
        is_allowed -> Bool,
        description -> Nullable<Text>,
        sort_order -> Integer,
    }
}

diesel::table! {
    schema_floor (id) {
        id -> Integer,
        step -> Text,
    }
}

diesel::table! {
    scoped_setting (scope, scope_id, name) {
        scope -> Text,
        scope_id -> Text,
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    server (id) {
        id -> Text,
        name -> Text,
        version -> Text,
        started -> Datetime,
        heartbeat -> Datetime,
        newest_step -> Nullable<Text>,
    }
}

diesel::table! {
    service_offering (id) {
        id -> Text,
        domain_id -> Nullable<Text>,
        zone_id -> Nullable<Text>,
        profile_id -> Nullable<Text>,
        gpu_offering_id -> Nullable<Text>,
        name -> Text,
        display_text -> Text,
        cpu_number -> Nullable<Integer>,
        cpu_speed -> Nullable<Integer>,
        memory_mib -> Nullable<Integer>,
        root_disk_size -> Nullable<BigInt>,
        is_customized -> Bool,
        gpu_count -> Nullable<Integer>,
        gpu_display -> Bool,
        offer_ha -> Bool,
        limit_cpu -> Bool,
        host_tags -> Nullable<Text>,
        storage_tags -> Nullable<Text>,
        storage_type -> Text,
        state -> Text,
        is_default -> Bool,
        created -> Datetime,
        removed -> Nullable<Datetime>,
    }
}

diesel::table! {
    session (id) {
        id -> Text,
        user_id -> Text,
        key_hash -> Text,
        created -> Datetime,
        last_used -> Datetime,
    }
}

diesel::table! {
    setting (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    ssh_key_pair (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        name -> Text,
        fingerprint -> Text,
        public_key -> Text,
        created -> Datetime,
    }
}

diesel::table! {
    storage_pool (id) {
        id -> Text,
        zone_id -> Text,
        pod_id -> Nullable<Text>,
        cluster_id -> Nullable<Text>,
        host_id -> Nullable<Text>,
        name -> Text,
        kind -> Text,
        scope -> Text,
        path -> Text,
        state -> Text,
        capacity -> BigInt,
        available -> BigInt,
        tags -> Nullable<Text>,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    tag (id) {
        id -> Text,
        kind -> Text,
        resource_id -> Text,
        account_id -> Text,
        domain_id -> Text,
        name -> Text,
        value -> Text,
        customer -> Nullable<Text>,
    }
}

diesel::table! {
    template (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        zone_id -> Nullable<Text>,
        os_type_id -> Text,
        store_id -> Nullable<Text>,
        name -> Text,
        display_text -> Text,
        kind -> Text,
        format -> Text,
        hypervisor -> Text,
        arch -> Text,
        url -> Nullable<Text>,
        checksum -> Nullable<Text>,
        size -> BigInt,
        virtual_size -> BigInt,
        is_public -> Bool,
        is_featured -> Bool,
        is_extractable -> Bool,
        state -> Text,
        status -> Text,
        percent -> Integer,
        file -> Nullable<Text>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Datetime>,
        created -> Datetime,
        removed -> Nullable<Datetime>,
    }
}

diesel::table! {
    template_copy (template_id, pool_id) {
        template_id -> Text,
        pool_id -> Text,
        state -> Text,
        created -> Datetime,
    }
}

diesel::table! {
    traffic_type (id) {
        id -> Text,
        physical_network_id -> Text,
        kind -> Text,
        label -> Nullable<Text>,
    }
}

diesel::table! {
    usage_interval (id) {
        id -> Text,
        kind -> Integer,
        account_id -> Text,
        domain_id -> Text,
        zone_id -> Nullable<Text>,
        subject_id -> Text,
        vm_id -> Nullable<Text>,
        host_id -> Nullable<Text>,
        offering_id -> Nullable<Text>,
        profile_id -> Nullable<Text>,
        template_id -> Nullable<Text>,
        name -> Text,
        size -> Nullable<BigInt>,
        cpu_number -> Nullable<Integer>,
        cpu_speed -> Nullable<Integer>,
        memory_mib -> Nullable<BigInt>,
        started -> Datetime,
        ended -> Nullable<Datetime>,
        open -> Nullable<Bool>,
    }
}

diesel::table! {
    user (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        username -> Text,
        password_hash -> Text,
        first_name -> Text,
        last_name -> Text,
        email -> Nullable<Text>,
        timezone -> Nullable<Text>,
        state -> Text,
        api_key -> Nullable<Text>,
        secret_key -> Nullable<Text>,
        is_default -> Bool,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    vgpu_profile (id) {
        id -> Text,
        card_id -> Text,
        name -> Text,
        description -> Nullable<Text>,
        kind -> Text,
        video_ram -> Nullable<BigInt>,
        max_heads -> Nullable<BigInt>,
        max_resolution_x -> Nullable<BigInt>,
        max_resolution_y -> Nullable<BigInt>,
        max_per_gpu -> Nullable<BigInt>,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::table! {
    vm (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        user_id -> Text,
        zone_id -> Text,
        host_id -> Nullable<Text>,
        last_host_id -> Nullable<Text>,
        pool_id -> Nullable<Text>,
        template_id -> Text,
        offering_id -> Text,
        gpu_offering_id -> Nullable<Text>,
        name -> Text,
        display_name -> Text,
        instance_name -> Text,
        state -> Text,
        generation -> BigInt,
        cpu_number -> Integer,
        cpu_speed -> Integer,
        memory_mib -> Integer,
        demand -> Nullable<Text>,
        gpu_display -> Bool,
        user_data -> Nullable<Text>,
        key_pairs -> Nullable<Text>,
        hypervisor -> Text,
        is_displayed -> Bool,
        created -> Datetime,
        updated -> Datetime,
        removed -> Nullable<Datetime>,
        decision -> Nullable<Text>,
        decided -> Nullable<Datetime>,
        adopted -> Bool,
        limit_tags -> Nullable<Text>,
    }
}

diesel::table! {
    vm_decision (id) {
        id -> Text,
        vm_id -> Text,
        decided -> Datetime,
        decision -> Text,
    }
}

diesel::table! {
    volume (id) {
        id -> Text,
        account_id -> Text,
        domain_id -> Text,
        zone_id -> Text,
        vm_id -> Nullable<Text>,
        pool_id -> Nullable<Text>,
        template_id -> Nullable<Text>,
        name -> Text,
        kind -> Text,
        format -> Text,
        path -> Text,
        size -> BigInt,
        device_index -> Integer,
        state -> Text,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        limit_tags -> Nullable<Text>,
    }
}

diesel::table! {
    zone (id) {
        id -> Text,
        name -> Text,
        dns1 -> Text,
        dns2 -> Nullable<Text>,
        internal_dns1 -> Text,
        internal_dns2 -> Nullable<Text>,
        guest_cidr -> Nullable<Text>,
        network_domain -> Nullable<Text>,
        network_type -> Text,
        allocation_state -> Text,
        local_storage -> Bool,
        created -> Datetime,
        removed -> Nullable<Datetime>,
        alive -> Nullable<Bool>,
    }
}

diesel::joinable!(account -> domain (domain_id));
diesel::joinable!(account -> role (role_id));
diesel::joinable!(affinity_member -> affinity_group (group_id));
diesel::joinable!(gpu_allocation -> gpu_device (device_id));
diesel::joinable!(gpu_device -> gpu_card (card_id));
diesel::joinable!(gpu_device -> host (host_id));
diesel::joinable!(gpu_device -> vgpu_profile (profile_id));
diesel::joinable!(gpu_offering_alternative -> gpu_offering (offering_id));
diesel::joinable!(gpu_offering_alternative -> vgpu_profile (profile_id));
diesel::joinable!(gpu_slice_type -> gpu_device (device_id));
diesel::joinable!(gpu_slice_type -> vgpu_profile (profile_id));
diesel::joinable!(os_type -> os_category (category_id));
diesel::joinable!(project -> account (account_id));
diesel::joinable!(project_invitation -> project (project_id));
diesel::joinable!(project_member -> project (project_id));
diesel::joinable!(project_role -> project (project_id));
diesel::joinable!(project_role_rule -> project_role (role_id));
diesel::joinable!(project_user -> project (project_id));
diesel::joinable!(role_rule -> role (role_id));
diesel::joinable!(session -> user (user_id));
diesel::joinable!(user -> account (account_id));
diesel::joinable!(vgpu_profile -> gpu_card (card_id));

diesel::allow_tables_to_appear_in_same_query! {
    account,
    affinity_group,
    affinity_member,
    alert,
    annotation,
    cluster,
    detail,
    disk_offering,
    domain,
    event,
    gpu_allocation,
    gpu_card,
    gpu_device,
    gpu_drift,
    gpu_history,
    gpu_history_head,
    gpu_offering,
    gpu_offering_alternative,
    gpu_slice_type,
    host,
    host_debt,
    image_store,
    job,
    limit_tag,
    network,
    network_offering,
    nic,
    os_category,
    os_type,
    physical_network,
    pod,
    project,
    project_invitation,
    project_member,
    project_role,
    project_role_rule,
    project_user,
    resource_count,
    role,
    role_rule,
    schema_floor,
    scoped_setting,
    server,
    service_offering,
    session,
    setting,
    ssh_key_pair,
    storage_pool,
    tag,
    template,
    template_copy,
    traffic_type,
    usage_interval,
    user,
    vgpu_profile,
    vm,
    vm_decision,
    volume,
    zone,
}
