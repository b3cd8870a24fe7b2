/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the core tells people: one list that makes the log, `dlmactl monitor` and its JSON.
 * X(name, level, text); in the text, %m is the MN, %h the HNP, %p the peer, %s the status.
 */
#pragma once

#include "dlma/types.h"
#include <stdint.h>

#define REPORTS(X)                                                                                \
	X(mn_attached, INFO, "MN %m seen on an access link; registering with %p")                 \
	X(mn_registered, INFO, "MN %m has HNP %h, registered with %p")                            \
	X(mn_refused, WARN, "MN %m refused by %p: %s")                                            \
	X(mn_detached, INFO, "MN %m (%h) left its access link; de-registering with %p")           \
	X(mn_present, INFO, "MN %m (%h) is still attached; told %p so")                           \
	X(mn_gone, INFO, "MN %m (%h) does not answer any more")                                   \
	X(binding_created, INFO, "D-LMA of %m (%h) at MAG %p")                                    \
	X(binding_moved, INFO, "MAG of %m (%h) is now %p")                                        \
	X(binding_deregistered, INFO, "MAG %p de-registered %m (%h)")                             \
	X(binding_deleted, INFO, "binding of %m (%h) ended")                                      \
	X(binding_refused, WARN, "registration of %m (%h) by %p refused: %s")                     \
	X(move_disputed, WARN, "%p says that it has MN %m (%h), which is still here")             \
	X(binding_outbid, WARN, "MN %m (%h) is still here: registering again over %p")            \
	X(anchor_moved, INFO, "H-LMA: D-LMA of %m (%h) is now %p")                                \
	X(anchor_removed, INFO, "H-LMA: %m (%h) is anchored nowhere now")                         \
	X(anchor_refused, WARN, "H-LMA: claim of %m (%h) by %p refused: %s")                      \
	X(prefixes_exhausted, ERROR, "no free HNP for %m in the prefixes of this node")           \
	X(previous_told, INFO, "previous D-LMA %p told of the new one for %m (%h)")               \
	X(forwarding_started, INFO, "previous anchor: packets for %m (%h) go on to %p")           \
	X(forwarding_granted, INFO, "previous MAG %p forwards packets for %m (%h)")               \
	X(forwarding_ended, INFO, "previous anchor: forwarding for %h ended")                     \
	X(location_told, INFO, "%p told where %m (%h) is")                                        \
	X(location_asked, INFO, "O-LMA: asked %p for the location of %h")                         \
	X(location_learnt, INFO, "O-LMA: %h is reached by %p")                                    \
	X(location_negative, INFO, "O-LMA: %p has no binding for %h")                             \
	X(location_forgotten, INFO, "O-LMA: location of %h forgotten, no packet for a while")     \
	X(location_stranded, WARN, "O-LMA: %p does not answer; %h goes back to its owner")        \
	X(location_expired, INFO, "O-LMA: location of %h expired without an answer of its owner") \
	X(stray_answered, INFO, "told %p that %h is not anchored here")                           \
	X(revocation_sent, INFO, "revocation of %m (%h) sent to MAG %p")                          \
	X(revocation_done, INFO, "MAG %p gave up %m (%h)")                                        \
	X(quota_entries, WARN, "ALARM: %p has as many MNs as it may have; %m (%h) refused")       \
	X(quota_moves, WARN, "ALARM: %p moves MNs faster than it may; %m (%h) refused")           \
	X(drain_started, INFO, "this node is being drained; %p takes its MNs")                    \
	X(drain_ended, INFO, "this node takes MNs again")                                         \
	X(drain_asked, INFO, "asked MAG %p to register %m (%h) elsewhere")                        \
	X(drain_refused, WARN, "MN %m turned away: this node is being drained")                   \
	X(mn_redirected, INFO, "MN %m (%h): asked to register with LMA %p")                       \
	X(binding_handed, INFO, "MN %m (%h) is bound to %p now; serving it a moment longer")      \
	X(peer_up, INFO, "peer %p answers")                                                       \
	X(peer_down, WARN, "peer %p does not answer heartbeats")                                  \
	X(peer_restarted, WARN, "peer %p restarted and lost its bindings")                        \
	X(peer_unkeyed, WARN, "no key for %p any more: it is a stranger now")                     \
	X(keys_replaced, INFO, "the keys of all peers were replaced")                             \
	X(keys_kept, ERROR, "the keys could not be replaced: out of memory; the old ones stay")   \
	X(unanswered, WARN, "%p did not answer about %m (%h); giving up")                         \
	X(table_full, ERROR, "no room for %m (%h); raise limits.locations")                       \
	X(adopted, DEBUG, "adopted from an earlier run: %h at %p")

#define REPORT_(name, level, text) REPORT_##name,
enum report_kind { REPORTS(REPORT_) REPORT_KIND_COUNT };
#undef REPORT_

enum { REPORT_NO_PEER = 0xffff, REPORT_MN_MAX = 64 };

struct report {
	enum report_kind kind;
	uint16_t peer;	/* index of the node, or REPORT_NO_PEER */
	uint8_t status; /* enum mh_status */
	struct dlma_prefix hnp;
	char mn[REPORT_MN_MAX]; /* MN-ID, cut if it is longer; may be empty */
};
