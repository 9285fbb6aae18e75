/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/core_priv.h"

#include "storage/store.h"
#include "util/compiler.h"
#include "util/db.h"

/*
 * The formats of state.db, oldest first.  To change one append a step that
 * alters what is there (ALTER TABLE ... ADD COLUMN, CREATE TABLE): databases of
 * every earlier format are in use, and a fresh one is made by the same steps.
 */
const struct db_step core_formats[] = {
	{ .sql = { core_schema, volume_schema, store_schema } },
	{ .sql = { event_schema } },
	{ .sql = { store_pins_schema } },
	{ .sql = { userns_schema } },
	{ .sql = { health_schema } },
	{ .sql = { store_lists_schema } },
	{ .sql = { store_names_schema } },
};
const int core_format = (int)ARRAY_LEN(core_formats);
