/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Print test results in TAP. A test program has a table of cases, and returns
 * tap_main() from main().
 */
#ifndef VPOOL_TESTS_TAP_H
#define VPOOL_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/**
 * struct tap_case - one test
 * @name: property that the test verifies, without a newline
 * @run: function of the test; checks with expect()
 */
struct tap_case {
	const char *name;
	void (*run)(void);
};

static bool tap_failed;

/* Check a condition. If it is false, the case fails, but continues. */
#define expect(condition) \
	tap_expect(condition, #condition, __FILE__, __LINE__)

/* Check that two texts are equal. If not, the case fails, but continues. */
#define expect_text(is, wanted) \
	tap_expect_text(is, wanted, __FILE__, __LINE__)

static inline bool tap_expect(bool good, const char *what, const char *file,
			      int line)
{
	if (good)
		return true;
	printf("# %s:%d: is false: %s\n", file, line, what);
	tap_failed = true;
	return false;
}

static inline bool tap_expect_text(const char *is, const char *wanted,
				   const char *file, int line)
{
	if (is && !strcmp(is, wanted))
		return true;
	printf("# %s:%d: is '%s', not '%s'\n", file, line, is ? is : "NULL",
	       wanted);
	tap_failed = true;
	return false;
}

static inline int tap_main(const struct tap_case *cases, size_t nr)
{
	size_t i, failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", nr);
	for (i = 0; i < nr; i++) {
		tap_failed = false;
		cases[i].run();
		failures += tap_failed;
		printf("%sok %zu - %s\n", tap_failed ? "not " : "", i + 1,
		       cases[i].name);
	}
	return failures ? 1 : 0;
}

#endif /* VPOOL_TESTS_TAP_H */
