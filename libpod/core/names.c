/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <sys/random.h>

#include "libpod/core/core_priv.h"
#include "util/str.h"

static const char *const adjectives[] = {
	"airy", "amber", "ample", "azure", "balmy", "bold", "brave", "breezy",
	"bright", "brisk", "calm", "candid", "cheery", "civil", "clear",
	"clever", "cosy", "crisp", "curious", "damp", "dapper", "daring",
	"deep", "dewy", "eager", "early", "earnest", "easy", "fair", "fern",
	"festive", "fleet", "fond", "fresh", "frosty", "gentle", "gifted",
	"glad", "golden", "grand", "green", "happy", "hardy", "hazy",
	"hidden", "humble", "icy", "jolly", "keen", "kind", "lively",
	"loyal", "lucid", "lucky", "lush", "mellow", "merry", "mild",
	"misty", "modest", "mossy", "neat", "nimble", "noble", "patient",
	"placid", "plain", "plucky", "polite", "proud", "quick", "quiet",
	"rapid", "ready", "robust", "rosy", "rustic", "serene", "shady",
	"silent", "silver", "simple", "snug", "sober", "soft", "solid",
	"spry", "steady", "still", "stout", "sunny", "swift", "tender",
	"tidy", "true", "verdant", "vivid", "warm", "wise", "witty",
};

/* Mosses, ferns and lichens, and who lives among them. */
static const char *const nouns[] = {
	"adder", "alder", "antler", "aspen", "badger", "barley", "beetle",
	"birch", "bog", "bracken", "bramble", "brook", "burdock", "cedar",
	"clover", "clubmoss", "cricket", "cypress", "dell", "dune", "fen",
	"fern", "finch", "fjord", "forest", "frog", "funaria", "glade",
	"glen", "grotto", "grove", "hare", "hazel", "heath", "heron",
	"hornwort", "ivy", "juniper", "kelp", "larch", "lichen", "linden",
	"liverwort", "lynx", "maple", "marsh", "marten", "meadow", "mire",
	"mnium", "moor", "moss", "newt", "nettle", "oak", "otter", "peat",
	"pebble", "pine", "plover", "pond", "poplar", "quail", "rain",
	"raven", "reed", "rill", "robin", "rowan", "rush", "sedge",
	"shrew", "snail", "sorrel", "sphagnum", "spore", "spruce", "stone",
	"stream", "sundew", "swallow", "tarn", "thicket", "thistle",
	"thrush", "thyme", "toad", "trout", "tundra", "vale", "vole",
	"walnut", "warbler", "willow", "wren", "yarrow", "yew",
};

char *name_random(void)
{
	uint16_t n[2] = { 0 };

	while (getrandom(n, sizeof(n), 0) < 0 && errno == EINTR)
		continue;
	return xasprintf("%s_%s", adjectives[n[0] % ARRAY_LEN(adjectives)],
			 nouns[n[1] % ARRAY_LEN(nouns)]);
}
