-- each claim wrote this index; only the recount of an account read it, which is asked for by hand and can read all
ALTER TABLE `gpu_allocation` DROP KEY ix_gpu_allocation_account;
