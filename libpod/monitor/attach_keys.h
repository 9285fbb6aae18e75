/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_ATTACH_KEYS_H
#define MONITOR_ATTACH_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct key_match - looks for the detach keys in what is typed
 * @keys, @n_keys: borrowed; at least one
 * @have: bytes held back, since they may be the beginning
 */
struct key_match {
	const char *keys;
	size_t n_keys;
	size_t have;
};

/**
 * key_match_add() - one byte was typed
 * @out:   room for ATTACH_KEYS_MAX bytes that are to be passed on
 * @ret_n: how many these are
 *
 * Return: the keys are complete
 */
bool key_match_add(struct key_match *k, char c, char *out, size_t *ret_n);

#endif
