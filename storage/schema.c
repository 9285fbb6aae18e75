/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store.h"

/*
 * What is on disk under its hash (blobs/sha256/HEX, layers/HEX) is whole and
 * verified; the database only says who needs it.
 *
 * image         one row per config digest; @root_mode and @implied: see
 *               storage/image/implied.c
 * image_name    "host/path:tag" or "host/path@digest"; @digest is that of the
 *               manifest under which the image came by that name, @list that
 *               of the index which the registry has by it, or empty
 * image_past    names that it has had
 * image_layer   diff ids, base first; @bytes of file content of each
 * image_blob    manifest, config and compressed layers
 * image_user    pins: a container (or whoever) that needs the layers
 * store_lease   hashes that a living process is about to need
 * store_doomed  hashes that nobody needed any more when the row was written;
 *               storage/gc.c looks again and moves them to the trash
 * store_probe   what the file system can do; see storage/driver/probe.c
 */
const char store_schema[] =
	"CREATE TABLE image ("
	" id TEXT PRIMARY KEY,"
	" digest TEXT NOT NULL,"
	" arch TEXT NOT NULL,"
	" os TEXT NOT NULL,"
	" variant TEXT NOT NULL,"
	" created INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" layers INTEGER NOT NULL,"
	" root_mode INTEGER NOT NULL,"
	" implied TEXT"
	");"
	"CREATE TABLE image_name ("
	" name TEXT PRIMARY KEY,"
	" image TEXT NOT NULL,"
	" digest TEXT NOT NULL,"
	" added INTEGER NOT NULL"
	");"
	"CREATE INDEX image_name_image ON image_name (image);"
	"CREATE TABLE image_past ("
	" image TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" added INTEGER NOT NULL,"
	" PRIMARY KEY (image, name)"
	") WITHOUT ROWID;"
	"CREATE TABLE image_layer ("
	" image TEXT NOT NULL,"
	" pos INTEGER NOT NULL,"
	" diff_id TEXT NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" PRIMARY KEY (image, pos)"
	") WITHOUT ROWID;"
	"CREATE INDEX image_layer_diff_id ON image_layer (diff_id);"
	"CREATE TABLE image_blob ("
	" image TEXT NOT NULL,"
	" digest TEXT NOT NULL,"
	" PRIMARY KEY (image, digest)"
	") WITHOUT ROWID;"
	"CREATE INDEX image_blob_digest ON image_blob (digest);"
	"CREATE TABLE image_user ("
	" user TEXT PRIMARY KEY,"
	" image TEXT NOT NULL"
	") WITHOUT ROWID;"
	"CREATE INDEX image_user_image ON image_user (image);"
	"CREATE TABLE store_lease ("
	" hash TEXT NOT NULL,"
	" pid INTEGER NOT NULL,"
	" start INTEGER NOT NULL,"
	" boot TEXT NOT NULL,"
	" PRIMARY KEY (hash, pid, start, boot)"
	") WITHOUT ROWID;"
	"CREATE TABLE store_doomed ("
	" hash TEXT PRIMARY KEY"
	") WITHOUT ROWID;"
	"CREATE TABLE store_probe ("
	" key TEXT PRIMARY KEY,"
	" driver TEXT NOT NULL,"
	" whiteouts INTEGER NOT NULL"
	") WITHOUT ROWID;";

/* One user may need several images: those that it mounts, besides its own. */
const char store_pins_schema[] =
	"CREATE TABLE image_pin ("
	" user TEXT NOT NULL,"
	" image TEXT NOT NULL,"
	" PRIMARY KEY (user, image)"
	") WITHOUT ROWID;"
	"INSERT INTO image_pin SELECT user, image FROM image_user;"
	"DROP TABLE image_user;"
	"ALTER TABLE image_pin RENAME TO image_user;"
	"CREATE INDEX image_user_image ON image_user (image);";

/*
 * Manifest lists are rows of image whose kind is 1 (STORE_LIST): @digest is
 * that of the index as it is now, a blob.  @source of an entry tells where its
 * image is: "local:ID" or "docker://host/path@digest".
 */
const char store_lists_schema[] =
	"ALTER TABLE image ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE list_source ("
	" list TEXT NOT NULL,"
	" digest TEXT NOT NULL,"
	" source TEXT NOT NULL,"
	" PRIMARY KEY (list, digest)"
	") WITHOUT ROWID;";

const char store_names_schema[] =
	"ALTER TABLE image_name ADD COLUMN list TEXT NOT NULL DEFAULT '';";
