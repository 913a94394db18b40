ALTER TABLE `gpu_device` DROP KEY ix_gpu_device_count;
