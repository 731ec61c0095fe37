// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AppArmor profile of a QEMU allows the files that its arguments name, and no others.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/args.h"
#include "vm/profile.h"
#include "tap.h"

static char dir[64];

static void put(const char *file, const void *data, size_t len)
{
	char *path = xprintf("%s/%s", dir, file);
	FILE *to = fopen(path, "w");

	if (expect(to)) {
		expect(fwrite(data, 1, len, to) == len);
		fclose(to);
	}
	free(path);
}

/* Write the header of a qcow2 image with the name of the image below it. */
static void put_qcow2(const char *file, const char *below)
{
	unsigned char image[256] = "QFI\xfb";
	__u32 len = htobe32(strlen(below));
	__u64 at = htobe64(64);

	memcpy(image + 8, &at, sizeof(at));
	memcpy(image + 16, &len, sizeof(len));
	memcpy(image + 64, below, strlen(below));
	put(file, image, sizeof(image));
}

/* Return the text of a profile for one option of QEMU. */
static char *text_for(const char *option, const char *value)
{
	char **args = NULL, *text;
	struct profile profile = {
		.name = "vpool-vm.a.0", .program = "/opt/q/bin/qemu", .dir = dir,
		.cwd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};

	args_add_two(&args, option, value);
	profile.args = args;
	text = profile_text(&profile);
	args_free(args);
	close(profile.cwd);
	return text;
}

/* Return a text with the directory in the place of "@", for free(3). */
static char *with_dir(const char *text)
{
	const char *at = strchr(text, '@');

	return at ? xprintf("%.*s%s%s", (int)(at - text), text, dir, at + 1) : xstrdup(text);
}

/* Tell whether the profile for an option has a rule for a file of the directory. */
static bool has_rule(const char *option, const char *value, const char *file,
		     const char *access)
{
	char *made = with_dir(value), *text = text_for(option, made);
	char *rule = xprintf("  \"%s%s%s\" %s,\n", *file == '/' ? "" : dir,
			     *file == '/' ? "" : "/", file, access);
	bool has = strstr(text, rule);

	if (!has && *access)
		printf("# no rule %s# in %s\n", rule, text);
	free(rule);
	free(text);
	free(made);
	return has;
}

/* Tell whether the profile mentions a file. */
static bool names(const char *option, const char *value, const char *file)
{
	char *made = with_dir(value), *text = text_for(option, made);
	bool has = strstr(text, file);

	free(text);
	free(made);
	return has;
}

static void test_common(void)
{
	char *text = text_for("-name", "x");

	expect(!strncmp(text, "abi <abi/3.0>,\n", 15) && strstr(text, "profile \"vpool-vm.a.0\" "));
	expect(strstr(text, "  \"/opt/q/bin/qemu\" mr,\n"));
	expect(strstr(text, "  \"/opt/q/{lib,lib64,libexec,share}/**\" mr,\n"));
	expect(!strstr(text, "capability") && !strstr(text, "/dev/vpool"));
	free(text);
	expect(has_rule("-name", "x", "", "r") || has_rule("-name", "x", "**", "rwkl"));
}

static void test_options(void)
{
	expect(has_rule("-kernel", "@/disk", "disk", "rk"));
	expect(has_rule("-initrd", "disk", "disk", "rk"));
	expect(has_rule("--drive", "if=none,file=@/disk,format=raw", "disk", "rwk"));
	expect(has_rule("-drive", "file=@/disk,readonly=on", "disk", "rk"));
	expect(has_rule("-drive", "file=@/two,,words,format=raw", "two,words", "rwk"));
	expect(has_rule("-drive", "file=@/link,format=raw", "disk", "rwk"));
	expect(has_rule("-drive", "driver=raw,file.filename=@/disk", "disk", "rwk"));
	expect(has_rule("-blockdev",
			"{\"read-only\": true, \"file\": {\"filename\": \"@/disk\"}}", "disk",
			"rk"));
	expect(has_rule("-drive", "file=json:{\"filename\":\"@/disk\"}", "disk", "rwk"));
	expect(has_rule("-chardev", "socket,id=a,path=@/new,server=on", "new", "rwk"));
	expect(has_rule("-serial", "file:@/new", "new", "rwk"));
	expect(has_rule("-fsdev", "local,id=a,path=@/folder", "folder/**", "rwkl"));
	expect(has_rule("-drive", "file=@/a[*]\"{b}\n", "a\\[\\*\\]\\\"\\{b\\}\\012", "rwk"));
}

static void test_others(void)
{
	expect(!names("-append", "file=@/disk", "/disk"));
	expect(!names("-name", "path=@/disk", "/disk"));
	expect(!names("-drive", "id=@/disk,if=none", "/disk"));
	expect(!has_rule("-fsdev", "path=/,id=1", "/", ""));
	expect(!names("-fsdev", "path=/,id=1", "\"//**"));
}

static void test_chain(void)
{
	put("base", "x", 1);
	put_qcow2("middle", "base");
	put_qcow2("top", "middle");
	expect(has_rule("-drive", "file=@/top,format=qcow2", "middle", "rk"));
	expect(has_rule("-drive", "file=@/top,format=qcow2", "base", "rk"));
	expect(!names("-drive", "file=@/top,format=raw", "/middle"));
	put_qcow2("loop", "loop");
	expect(has_rule("-drive", "file=@/loop,format=qcow2", "loop", "rk"));
}

static const struct tap_case cases[] = {
	{ "what each QEMU needs is allowed", test_common },
	{ "files that options name are allowed", test_options },
	{ "no other files are allowed", test_others },
	{ "images below a qcow2 image are allowed", test_chain },
};

int main(void)
{
	char *link;
	int status;

	snprintf(dir, sizeof(dir), "/tmp/test_profile.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	put("disk", "x", 1);
	put("two,words", "x", 1);
	link = xprintf("%s/link", dir);
	expect(!symlink("disk", link));
	free(link);
	link = xprintf("%s/folder", dir);
	expect(!mkdir(link, 0700));
	free(link);
	status = tap_main(cases, ARRAY_SIZE(cases));
	link = xprintf("rm -r %s", dir);
	expect(!system(link));
	free(link);
	return status;
}
