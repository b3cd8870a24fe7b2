/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One packet, and the worst that tables can say: at each node that it comes to they say anything that
 * bpf/resolve.h knows, and never twice the same. So this bounds the tunnels of a packet whatever the
 * signalling does, and whoever lies. Only that the H-LMA alone has ANCHOR entries is taken for granted:
 * it has them from its own records.
 *
 * A node that lets a packet wait handles it once more and by the same rules, and never twice: no tunnel
 * more. MAGS_FORWARD: where the domain discloses proxy-CoAs, MAGs forward to each other, too (draft
 * 5.1.2). NO_MARK leaves the forwarded-once mark out.
 */
#define LMAS 3
#define MAGS 2
#define HOME 0 /* LMAs are 0 to 2, MAGs 3 and 4 */
#define IS_LMA(n) ((n) < LMAS)
#define NODES (LMAS + MAGS)
#define NOBODY 7
#ifdef MAGS_FORWARD
#define TUNNELS_MAX 9
#else
#define TUNNELS_MAX 6
#endif

byte at, from = NOBODY, tunnels;
bit forwarded, returned, done;

/* Every tunnel end that an entry may name: not this node. */
inline choose_any()
{
	if
	:: next = 0
	:: next = 1
	:: next = 2
	:: next = 3
	:: next = 4
	fi;
	next != at
}

/* resolve_forwarding() */
inline forward()
{
	if
	:: !forwarded ->
		choose_any();
#ifndef NO_MARK
		forwarded = 1
#endif
	:: forwarded && !returned && at != HOME ->
		next = HOME;
		returned = 1
	:: else -> done = 1
	fi
}

/* resolve_fresh(), resolve_owner() */
inline resolve_fresh()
{
	if
	:: choose_any() /* a location of any kind */
	:: at != HOME -> next = HOME
	:: done = 1
	fi
}

/* resolve_from_lma(), resolve_at_gateway(): no location, or one that is CACHED, or HELD, ends it. */
inline resolve_tunnelled()
{
	marked = forwarded;
	if
	:: done = 1
	:: IS_LMA(at) ->
		choose_any();
		!IS_LMA(next) /* BINDING */
	:: at == HOME -> choose_any() /* ANCHOR */
#ifdef MAGS_FORWARD
	:: forward()
#else
	:: IS_LMA(at) -> forward()
#endif
	fi;
	if
	:: !done && marked && next == from -> done = 1 /* would_return() */
	:: else
	fi
}

active proctype packet()
{
	byte next = NOBODY;
	bit marked;

	atomic {
		if
		:: at = 0
		:: at = 1
		:: at = 2
		fi
	};
end:	do
	:: !done -> atomic {
		if
		:: from == NOBODY -> resolve_fresh()
		:: else -> resolve_tunnelled()
		fi;
		if
		:: !done ->
			from = at;
			at = next;
			next = NOBODY;
			tunnels++;
			printf("tunnel %d from %d to %d\n", tunnels, from, at);
			assert(tunnels <= TUNNELS_MAX)
		:: else
		fi
	}
	od
}
