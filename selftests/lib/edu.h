/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that copies memory by DMA: QEMU's "edu", opened through VFIO. tools/vm/run
 * --iommu makes such devices.
 */
#ifndef VP_EDU_H
#define VP_EDU_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* Bytes of the memory in the device. */
#define VP_EDU_BYTES 4096

/**
 * struct vp_edu - an opened device
 * @container: the address space of the device; owned
 * @group: its IOMMU group; owned
 * @device: the device; owned
 * @regs: its mapped registers
 */
struct vp_edu {
	int container;
	int group;
	int device;
	char *regs;
};

const char *vp_edu_find(char *address, size_t size);
int vp_edu_open(const char *address, struct vp_edu *edu);
void vp_edu_close(struct vp_edu *edu);

int vp_dma_map(const struct vp_edu *edu, void *addr, __u64 bytes, __u64 iova);
int vp_dma_unmap(const struct vp_edu *edu, __u64 bytes, __u64 iova);

int vp_edu_load(const struct vp_edu *edu, __u64 iova, __u32 bytes);
int vp_edu_store(const struct vp_edu *edu, __u64 iova, __u32 bytes);
int vp_edu_copy(const struct vp_edu *edu, __u64 to, __u64 from, __u32 bytes);

#endif /* VP_EDU_H */
