/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/stats.h"

#include "tests/unit/unit.h"

static void test_net(void **state unused_attr)
{
	static const char text[] =
		"Inter-|   Receive                    |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed "
		"multicast|bytes    packets errs drop fifo colls carrier\n"
		"    lo:     999       9    0    0    0     0          0       "
		"  0"
		"      999       9    0    0    0     0       0          0\n"
		"  tap0:     100       2    0    0    0     0          0       "
		"  0"
		"      200       3    0    0    0     0       0          0\n"
		"eth0:5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n"
		"bad: x\n";
	uint64_t in = 1;
	uint64_t out = 1;

	stats_net_parse(text, &in, &out);
	assert_int_equal(in, 105);
	assert_int_equal(out, 207);
	stats_net_parse("", &in, &out);
	assert_int_equal(in + out, 0);
}

UNIT_TESTS(unit_test(test_net));
