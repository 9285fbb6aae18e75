/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

/* cmocka wants these four before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"

/*
 * A unit test file holds static test functions and one
 *
 *     UNIT_TESTS(unit_test(test_a), unit_test(test_b));
 *
 * A function that is missing in the list is an unused-function error.
 */
#undef unit_test /* of cmocka's old interface */
#define unit_test(fn) cmocka_unit_test(fn)

#define UNIT_TESTS(...)                                               \
	int main(void)                                                \
	{                                                             \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };    \
									      \
		return cmocka_run_group_tests(tests, NULL, NULL);     \
	}                                                             \
	struct unit_tests_end /* takes the semicolon */

/* assert_ok(call(..., err)): the call works and leaves the error alone */
#define assert_ok(call)                                               \
	do {                                                          \
		struct err err_value_ = ERR_INIT;                     \
		struct err *err = &err_value_;                        \
		long long r_ = (long long)(call);                     \
									      \
		if (r_ < 0 || err->code)                              \
			fail_msg("%s: returned %lld: %s", #call, r_,  \
				 err->msg);                           \
	} while (0)

/* assert_fails(call(..., err), EINVAL): fails so, and says why */
#define assert_fails(call, want)                                      \
	do {                                                          \
		struct err err_value_ = ERR_INIT;                     \
		struct err *err = &err_value_;                        \
		long long r_ = (long long)(call);                     \
									      \
		if (r_ != -(long long)(want) || err->code != (want))  \
			fail_msg("%s: returned %lld, code %d, want %d: %s", \
				 #call, r_, err->code, (int)(want),   \
				 err->msg);                           \
		if (!err->msg[0])                                     \
			fail_msg("%s: failed without a reason", #call); \
	} while (0)

/**
 * unit_in_child() - run @fn in a child; the test fails when it does
 *
 * A failed assertion jumps back into the runner, and a forked child would go
 * on there with the remaining tests.  This one says why and aborts.
 */
static inline void unit_in_child(void (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		fn(arg);
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#endif
