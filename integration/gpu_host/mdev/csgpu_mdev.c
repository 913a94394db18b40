// SPDX-License-Identifier: GPL-2.0-only
/*
 * csgpu_mdev: makes an emulated display adapter look like a GPU that can be sliced into mediated devices (vGPUs).
 *
 * A test module for the GPU host rig, of no use elsewhere. It is under GPL 2 (unlike its surroundings) because the kernel
 * gives the mdev and vfio interfaces to modules under that licence only.
 *
 * It binds to the adapter that stands for a sliceable GPU, by its id, as the driver of a vendor does: so it also comes back
 * by itself after a guest has had the whole card. (Another adapter can be given to it by driver_override.) The device then
 * has mdev types, under
 * /sys/bus/pci/devices/ADDRESS/mdev_supported_types/csgpu_mdev-{1,2,3}, as the driver of a sliceable GPU would offer them:
 *
 *	csgpu_mdev-1	CSGPU V1-4Q	 4 GiB	up to 4 of them on one GPU
 *	csgpu_mdev-2	CSGPU V1-8Q	 8 GiB	up to 2
 *	csgpu_mdev-3	CSGPU V1-16Q	16 GiB	1
 *
 * A GPU takes slices of one type at a time, as most cards do; with the module parameter mixed=1 (writable at run time under
 * /sys/module/csgpu_mdev/parameters/mixed) any types that fit into its 16 GiB together.
 *
 * A slice is a vfio device with just enough behind it for a virtual machine to start with it: a PCI configuration space of a
 * display controller and one BAR of memory that keeps what is written to it. It computes nothing and interrupts nobody.
 *
 * Written for Linux 6.1; the mdev interface inside the kernel changes between versions.
 */
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <asm/unaligned.h>

#define DRIVER_NAME "csgpu_mdev"
#define GPU_MIB 16384u

/* What the guest sees: an id that no real card has (the vendor is the one QEMU's own devices use). */
#define SLICE_VENDOR PCI_VENDOR_ID_REDHAT
#define SLICE_DEVICE 0x5347

#define CONFIG_SIZE PCI_CFG_SPACE_SIZE
#define BAR_SIZE 4096u

/* A region is addressed by the upper bits of the file offset, as in vfio-pci. */
#define REGION_SHIFT 40
#define REGION_OFFSET(index) ((u64)(index) << REGION_SHIFT)
#define REGION_MASK (REGION_OFFSET(1) - 1)

static bool mixed;
module_param(mixed, bool, 0644);
MODULE_PARM_DESC(mixed, "allow slices of different types on one GPU");

struct slice_type {
	struct mdev_type type;
	unsigned int mib;
	unsigned int heads;
	const char *resolution;
};

static const struct slice_type slice_types[] = {
	{ { .sysfs_name = "1", .pretty_name = "CSGPU V1-4Q" }, 4096, 1, "1920x1080" },
	{ { .sysfs_name = "2", .pretty_name = "CSGPU V1-8Q" }, 8192, 2, "3840x2160" },
	{ { .sysfs_name = "3", .pretty_name = "CSGPU V1-16Q" }, 16384, 4, "7680x4320" },
};
#define N_TYPES ARRAY_SIZE(slice_types)

/* One sliceable GPU. The core counts instances per parent, but not per type, and has no room for sizes: done here. */
struct gpu {
	struct mdev_parent parent;
	struct slice_type types[N_TYPES];
	struct mdev_type *type_list[N_TYPES];
	struct mutex lock;
	unsigned int used_mib;
	const struct mdev_type *used_type; /* of the slices that exist, the last made */
};

struct slice {
	struct vfio_device vdev;
	struct gpu *gpu;
	unsigned int mib;
	struct mutex lock;
	u8 config[CONFIG_SIZE];
	u8 bar[BAR_SIZE];
};

static struct slice_type *to_slice_type(struct mdev_type *type)
{
	return container_of(type, struct slice_type, type);
}

static struct gpu *to_gpu(struct mdev_type *type)
{
	return container_of(type->parent, struct gpu, parent);
}

static struct slice *to_slice(struct vfio_device *vdev)
{
	return container_of(vdev, struct slice, vdev);
}

/* ---- the vfio device: what QEMU opens ---- */

static void reset_config(struct slice *slice)
{
	u8 *config = slice->config;

	memset(config, 0, CONFIG_SIZE);
	put_unaligned_le16(SLICE_VENDOR, config + PCI_VENDOR_ID);
	put_unaligned_le16(SLICE_DEVICE, config + PCI_DEVICE_ID);
	put_unaligned_le16(SLICE_VENDOR, config + PCI_SUBSYSTEM_VENDOR_ID);
	put_unaligned_le16(slice->mib / 1024, config + PCI_SUBSYSTEM_ID);
	config[PCI_REVISION_ID] = 1;
	put_unaligned_le16(PCI_CLASS_DISPLAY_3D, config + PCI_CLASS_DEVICE);
	/* BAR 0: 32-bit memory, at no address yet; no interrupt pin, no capabilities */
}

static int slice_init(struct vfio_device *vdev)
{
	struct mdev_device *mdev = to_mdev_device(vdev->dev);
	struct slice *slice = to_slice(vdev);
	struct gpu *gpu = to_gpu(mdev->type);
	unsigned int mib = to_slice_type(mdev->type)->mib;
	int ret = 0;

	mutex_lock(&gpu->lock);
	if (gpu->used_mib + mib > GPU_MIB ||
	    (gpu->used_mib && !mixed && gpu->used_type != mdev->type)) {
		ret = -ENOSPC;
	} else {
		gpu->used_mib += mib;
		gpu->used_type = mdev->type;
	}
	mutex_unlock(&gpu->lock);
	if (ret)
		return ret;

	slice->gpu = gpu;
	slice->mib = mib;
	mutex_init(&slice->lock);
	reset_config(slice);
	return 0;
}

static void slice_release(struct vfio_device *vdev)
{
	struct slice *slice = to_slice(vdev);

	mutex_lock(&slice->gpu->lock);
	slice->gpu->used_mib -= slice->mib;
	mutex_unlock(&slice->gpu->lock);
	vfio_free_device(vdev);
}

/* A guest may write its command register and the address of BAR 0 (whose low bits read zero: that tells its size). */
static void write_config(struct slice *slice, unsigned int at, const u8 *from, size_t count)
{
	u8 mask[CONFIG_SIZE] = {};
	size_t i;

	put_unaligned_le16(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE, mask + PCI_COMMAND);
	put_unaligned_le32(~(BAR_SIZE - 1), mask + PCI_BASE_ADDRESS_0);
	mask[PCI_CACHE_LINE_SIZE] = 0xff;
	mask[PCI_LATENCY_TIMER] = 0xff;
	mask[PCI_INTERRUPT_LINE] = 0xff;
	for (i = 0; i < count; i++)
		slice->config[at + i] = (slice->config[at + i] & ~mask[at + i]) | (from[i] & mask[at + i]);
}

/* Reads into `to` or writes from `from`, whichever is not NULL; always as much as is asked for, up to the region's end. */
static ssize_t slice_access(struct vfio_device *vdev, char __user *to, const char __user *from, size_t count, loff_t *ppos)
{
	struct slice *slice = to_slice(vdev);
	unsigned int region = *ppos >> REGION_SHIFT;
	u64 at = *ppos & REGION_MASK;
	u8 written[CONFIG_SIZE];
	unsigned long failed;
	size_t size;
	u8 *bytes;

	switch (region) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		bytes = slice->config;
		size = CONFIG_SIZE;
		break;
	case VFIO_PCI_BAR0_REGION_INDEX:
		bytes = slice->bar;
		size = BAR_SIZE;
		break;
	default:
		return -EINVAL;
	}
	if (at >= size)
		return -EINVAL;
	count = min_t(size_t, count, size - at);

	mutex_lock(&slice->lock);
	if (to) {
		failed = copy_to_user(to, bytes + at, count);
	} else if (region == VFIO_PCI_BAR0_REGION_INDEX) {
		failed = copy_from_user(bytes + at, from, count);
	} else {
		failed = copy_from_user(written, from, count);
		if (!failed)
			write_config(slice, at, written, count);
	}
	mutex_unlock(&slice->lock);

	if (failed)
		return -EFAULT;
	*ppos += count;
	return count;
}

static ssize_t slice_read(struct vfio_device *vdev, char __user *to, size_t count, loff_t *ppos)
{
	return slice_access(vdev, to, NULL, count, ppos);
}

static ssize_t slice_write(struct vfio_device *vdev, const char __user *from, size_t count, loff_t *ppos)
{
	return slice_access(vdev, NULL, from, count, ppos);
}

static void slice_reset(struct slice *slice)
{
	mutex_lock(&slice->lock);
	reset_config(slice);
	memset(slice->bar, 0, BAR_SIZE);
	mutex_unlock(&slice->lock);
}

/* Every query starts with argsz, the size of the structure that the caller knows; it is filled in and given back. */
static long slice_ioctl(struct vfio_device *vdev, unsigned int command, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	size_t size;
	union {
		u32 argsz;
		struct vfio_device_info device;
		struct vfio_region_info region;
		struct vfio_irq_info irq;
	} info = {};

	switch (command) {
	case VFIO_DEVICE_GET_INFO:
		size = offsetofend(struct vfio_device_info, num_irqs);
		break;
	case VFIO_DEVICE_GET_REGION_INFO:
		size = offsetofend(struct vfio_region_info, offset);
		break;
	case VFIO_DEVICE_GET_IRQ_INFO:
		size = offsetofend(struct vfio_irq_info, count);
		break;
	case VFIO_DEVICE_SET_IRQS:
		return 0; /* there are none to set */
	case VFIO_DEVICE_RESET:
		slice_reset(to_slice(vdev));
		return 0;
	default:
		return -ENOTTY;
	}
	if (copy_from_user(&info, user, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;

	switch (command) {
	case VFIO_DEVICE_GET_INFO:
		info.device.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
		info.device.num_regions = VFIO_PCI_NUM_REGIONS;
		info.device.num_irqs = VFIO_PCI_NUM_IRQS;
		break;
	case VFIO_DEVICE_GET_REGION_INFO:
		if (info.region.index >= VFIO_PCI_NUM_REGIONS)
			return -EINVAL;
		info.region.offset = REGION_OFFSET(info.region.index);
		info.region.size = info.region.index == VFIO_PCI_CONFIG_REGION_INDEX ? CONFIG_SIZE :
				   info.region.index == VFIO_PCI_BAR0_REGION_INDEX   ? BAR_SIZE : 0;
		info.region.flags = info.region.size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
		break;
	case VFIO_DEVICE_GET_IRQ_INFO:
		if (info.irq.index >= VFIO_PCI_NUM_IRQS)
			return -EINVAL;
		info.irq.flags = 0;
		info.irq.count = 0;
		break;
	}
	return copy_to_user(user, &info, size) ? -EFAULT : 0;
}

/* A slice that is in use leaves with a new, empty memory: the next guest must not read what the last one wrote. */
static void slice_close(struct vfio_device *vdev)
{
	slice_reset(to_slice(vdev));
}

static const struct vfio_device_ops slice_ops = {
	.name = DRIVER_NAME,
	.init = slice_init,
	.release = slice_release,
	.close_device = slice_close,
	.read = slice_read,
	.write = slice_write,
	.ioctl = slice_ioctl,
};

/* ---- the mediated device: made and removed through sysfs, mdevctl or libvirt ---- */

static int slice_probe(struct mdev_device *mdev)
{
	struct slice *slice = vfio_alloc_device(slice, vdev, &mdev->dev, &slice_ops);
	int ret;

	if (IS_ERR(slice))
		return PTR_ERR(slice);
	ret = vfio_register_emulated_iommu_dev(&slice->vdev);
	if (ret) {
		vfio_put_device(&slice->vdev);
		return ret;
	}
	dev_set_drvdata(&mdev->dev, slice);
	return 0;
}

static void slice_remove(struct mdev_device *mdev)
{
	struct slice *slice = dev_get_drvdata(&mdev->dev);

	vfio_unregister_group_dev(&slice->vdev);
	vfio_put_device(&slice->vdev);
}

static unsigned int available_instances(struct mdev_type *type)
{
	struct gpu *gpu = to_gpu(type);
	unsigned int count;

	mutex_lock(&gpu->lock);
	if (gpu->used_mib && !mixed && gpu->used_type != type)
		count = 0;
	else
		count = (GPU_MIB - gpu->used_mib) / to_slice_type(type)->mib;
	mutex_unlock(&gpu->lock);
	return count;
}

static ssize_t show_description(struct mdev_type *type, char *buf)
{
	struct slice_type *t = to_slice_type(type);

	return sysfs_emit(buf, "num_heads=%u, frl_config=60, framebuffer=%uM, max_resolution=%s, max_instance=%u\n", t->heads,
			  t->mib, t->resolution, GPU_MIB / t->mib);
}

static struct mdev_driver slice_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.driver = { .name = DRIVER_NAME, .owner = THIS_MODULE, .mod_name = KBUILD_MODNAME },
	.probe = slice_probe,
	.remove = slice_remove,
	.get_available = available_instances,
	.show_description = show_description,
};

/* ---- the GPU: an emulated display adapter ---- */

static int gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct gpu *gpu = devm_kzalloc(&pdev->dev, sizeof(*gpu), GFP_KERNEL);
	int i;

	if (!gpu)
		return -ENOMEM;
	mutex_init(&gpu->lock);
	memcpy(gpu->types, slice_types, sizeof(slice_types));
	for (i = 0; i < N_TYPES; i++)
		gpu->type_list[i] = &gpu->types[i].type;
	pci_set_drvdata(pdev, gpu);
	return mdev_register_parent(&gpu->parent, &pdev->dev, &slice_driver, gpu->type_list, N_TYPES);
}

static void gpu_remove(struct pci_dev *pdev)
{
	struct gpu *gpu = pci_get_drvdata(pdev);

	mdev_unregister_parent(&gpu->parent);
}

/* QEMU's ati-vga,model=rv100; the real driver of that model is not in the image. */
static const struct pci_device_id gpu_ids[] = { { PCI_DEVICE(PCI_VENDOR_ID_ATI, 0x5159) }, {} };
MODULE_DEVICE_TABLE(pci, gpu_ids);

static struct pci_driver gpu_driver = {
	.name = DRIVER_NAME,
	.id_table = gpu_ids,
	.probe = gpu_probe,
	.remove = gpu_remove,
};

static int __init csgpu_mdev_init(void)
{
	int ret = mdev_register_driver(&slice_driver);

	if (ret)
		return ret;
	ret = pci_register_driver(&gpu_driver);
	if (ret)
		mdev_unregister_driver(&slice_driver);
	return ret;
}

static void __exit csgpu_mdev_exit(void)
{
	pci_unregister_driver(&gpu_driver);
	mdev_unregister_driver(&slice_driver);
}

module_init(csgpu_mdev_init);
module_exit(csgpu_mdev_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A sliceable GPU that is none, for tests");
