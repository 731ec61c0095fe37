/* SPDX-License-Identifier: GPL-2.0 */
/* What processes share: futexes in memory, and descriptors sent through sockets. */
#ifndef VP_SHARE_H
#define VP_SHARE_H

int vp_futex(int *word, int op, int value, int ms);
int vp_send_fd(int socket, int fd);
int vp_receive_fd(int socket);

#endif /* VP_SHARE_H */
