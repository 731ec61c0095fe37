/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_PCI_USE_H
#define VPOOLCTL_HOST_PCI_USE_H

/*
 * Return what the host uses a PCI device for, such as "network interface eth0 is up", for
 * free(3). Return NULL if the host does not use it.
 */
char *pci_use(const char *address);

#endif /* VPOOLCTL_HOST_PCI_USE_H */
