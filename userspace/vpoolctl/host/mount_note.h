/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_MOUNT_NOTE_H
#define VPOOLCTL_HOST_MOUNT_NOTE_H

struct mount_point;
struct mounts;

/*
 * A note in /run/vpool says where apply has mounted a pool. apply unmounts no other
 * filesystem.
 */

/* Return the directory of a pool's note, for free(3), or NULL if there is none. */
char *mount_note_read(const char *pool);
/* Write the note of a pool. Return 0 or a negative errno. */
int mount_note_write(const char *pool, const char *dir);
void mount_note_remove(const char *pool);
/* Return the mount that apply has made for a pool, or NULL. */
const struct mount_point *mount_noted(const struct mounts *mounts, const char *pool);

#endif /* VPOOLCTL_HOST_MOUNT_NOTE_H */
