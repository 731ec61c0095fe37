// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"
#include "file.h"
#include "host.h"

#define PCI "/sys/bus/pci"
#define EDU_ID "0x1234\n0x11e8\n"

/* The registers of the device, as QEMU's documentation of edu describes them. */
#define EDU_DMA_FROM 0x80
#define EDU_DMA_TO 0x88
#define EDU_DMA_BYTES 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START 1
#define EDU_DMA_STORE 2
#define EDU_REGS_BYTES 0x100000
/* Address of the memory in the device. */
#define EDU_MEMORY 0x40000

/* Offset and bits in the configuration space of a PCI device. */
#define PCI_COMMAND 4
#define PCI_COMMAND_MEMORY 2
#define PCI_COMMAND_MASTER 4

static int edu_read(const char *address, const char *file, char *text,
		    size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), PCI "/devices/%s/%s", address, file);
	return vp_read_file(path, text, size);
}

static bool is_edu(const char *address)
{
	char id[64] = "", *end;

	if (edu_read(address, "vendor", id, sizeof(id)))
		return false;
	end = id + strlen(id);
	if (edu_read(address, "device", end, id + sizeof(id) - end))
		return false;
	return !strcmp(id, EDU_ID);
}

/* Return the IOMMU group of a device, or a negative errno. */
static int edu_group(const char *address)
{
	char path[256], link[256] = "";

	snprintf(path, sizeof(path), PCI "/devices/%s/iommu_group", address);
	if (readlink(path, link, sizeof(link) - 1) < 0)
		return -errno;
	return atoi(strrchr(link, '/') + 1);
}

/* Return the number of devices in the IOMMU group of a device. */
static int edu_group_size(const char *address)
{
	struct dirent *entry;
	char path[256];
	int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), PCI "/devices/%s/iommu_group/devices",
		 address);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return nr;
}

/*
 * Find a device that is alone in its IOMMU group. Set @address to its PCI address and
 * return NULL, or return the reason why there is none.
 */
const char *vp_edu_find(char *address, size_t size)
{
	DIR *dir = opendir(PCI "/devices");
	const char *reason = "no PCI device edu here (tools/vm/run --iommu)";
	struct dirent *entry;

	while (dir && reason && (entry = readdir(dir))) {
		if (!is_edu(entry->d_name))
			continue;
		if (edu_group_size(entry->d_name) == 1) {
			snprintf(address, size, "%s", entry->d_name);
			reason = NULL;
		} else {
			reason = "no PCI device edu is alone in its IOMMU group";
		}
	}
	if (dir)
		closedir(dir);
	if (!reason && system("modprobe -q vfio-pci") &&
	    access(PCI "/drivers/vfio-pci", F_OK))
		reason = "this kernel has no vfio-pci";
	return reason;
}

/* Bind the device to vfio-pci. */
static int edu_bind(const char *address)
{
	char path[256];
	int err;

	snprintf(path, sizeof(path), PCI "/drivers/vfio-pci/%s", address);
	if (!access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), PCI "/devices/%s/driver_override", address);
	err = vp_write_file(path, "vfio-pci");
	return err ?: vp_write_file(PCI "/drivers_probe", address);
}

static int edu_open_group(struct vp_edu *edu, int group)
{
	char path[64];

	edu->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (edu->container < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	edu->group = open(path, O_RDWR | O_CLOEXEC);
	if (edu->group < 0 ||
	    ioctl(edu->group, VFIO_GROUP_SET_CONTAINER, &edu->container) ||
	    ioctl(edu->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	return 0;
}

/* Let the device start DMA. */
static int edu_enable(int device)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	__u16 command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pwrite(device, &command, sizeof(command),
		   config.offset + PCI_COMMAND) != sizeof(command))
		return -errno;
	return 0;
}

static int edu_open_device(struct vp_edu *edu, const char *address)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	int err;

	edu->device = ioctl(edu->group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (edu->device < 0)
		return -errno;
	err = edu_enable(edu->device);
	if (err)
		return err;
	if (ioctl(edu->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	edu->regs = mmap(NULL, EDU_REGS_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED, edu->device, info.offset);
	return edu->regs == MAP_FAILED ? -errno : 0;
}

/* Open a device with an empty address space. Return 0 or a negative errno. */
int vp_edu_open(const char *address, struct vp_edu *edu)
{
	int err, group = edu_group(address);

	*edu = (struct vp_edu){ -1, -1, -1, MAP_FAILED };
	err = group < 0 ? group : edu_bind(address);
	if (!err)
		err = edu_open_group(edu, group);
	if (!err)
		err = edu_open_device(edu, address);
	if (err)
		vp_edu_close(edu);
	return err;
}

/* Close the device. Its address space disappears, and with it all pins. */
void vp_edu_close(struct vp_edu *edu)
{
	if (edu->regs != MAP_FAILED)
		munmap(edu->regs, EDU_REGS_BYTES);
	if (edu->device >= 0)
		close(edu->device);
	if (edu->group >= 0)
		close(edu->group);
	if (edu->container >= 0)
		close(edu->container);
	*edu = (struct vp_edu){ -1, -1, -1, MAP_FAILED };
}

/* Map memory into the address space of the device at @iova. */
int vp_dma_map(const struct vp_edu *edu, void *addr, __u64 bytes, __u64 iova)
{
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)addr,
		.iova = iova,
		.size = bytes,
	};

	return ioctl(edu->container, VFIO_IOMMU_MAP_DMA, &cmd) ? -errno : 0;
}

int vp_dma_unmap(const struct vp_edu *edu, __u64 bytes, __u64 iova)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.iova = iova,
		.size = bytes,
	};

	if (ioctl(edu->container, VFIO_IOMMU_UNMAP_DMA, &cmd))
		return -errno;
	return cmd.size == bytes ? 0 : -ENOENT;
}

static void edu_write(const struct vp_edu *edu, int reg, __u64 value)
{
	__atomic_store_n((__u64 *)(edu->regs + reg), value, __ATOMIC_RELEASE);
}

static __u64 edu_command(const struct vp_edu *edu)
{
	return __atomic_load_n((__u64 *)(edu->regs + EDU_DMA_COMMAND),
			       __ATOMIC_ACQUIRE);
}

/* Do one transfer. The device takes about 0.1 s for it. */
static int edu_transfer(const struct vp_edu *edu, __u64 from, __u64 to,
			__u32 bytes, __u64 command)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;

	edu_write(edu, EDU_DMA_FROM, from);
	edu_write(edu, EDU_DMA_TO, to);
	edu_write(edu, EDU_DMA_BYTES, bytes);
	edu_write(edu, EDU_DMA_COMMAND, command | EDU_DMA_START);
	while (edu_command(edu) & EDU_DMA_START) {
		if (vp_now_ms() > end)
			return -ETIMEDOUT;
		vp_sleep_ms(1);
	}
	return 0;
}

/* Copy @bytes, up to VP_EDU_BYTES, from memory into the device. */
int vp_edu_load(const struct vp_edu *edu, __u64 iova, __u32 bytes)
{
	return edu_transfer(edu, iova, EDU_MEMORY, bytes, 0);
}

/* Copy @bytes from the device into memory. */
int vp_edu_store(const struct vp_edu *edu, __u64 iova, __u32 bytes)
{
	return edu_transfer(edu, EDU_MEMORY, iova, bytes, EDU_DMA_STORE);
}

/* Copy memory to memory through the device. */
int vp_edu_copy(const struct vp_edu *edu, __u64 to, __u64 from, __u32 bytes)
{
	return vp_edu_load(edu, from, bytes) ?: vp_edu_store(edu, to, bytes);
}
