/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The H-LMA: anchor.c of agent/core. Its record is durable. */
byte a_dlma, a_previous, a_stamp;

hidden byte was; /* D-LMA until now, if that changed; else NOBODY */

/* in_order(), into `found` */
inline in_order(lma, stamp, intent)
{
	if
	:: last_wins -> found = 1
	:: !last_wins && (lma) == a_dlma && (stamp) == a_stamp -> found = 1
	:: !last_wins && a_dlma == NOBODY && (stamp) == a_stamp -> found = 1
	:: else ->
		found = ((stamp) > a_stamp &&
			 ((intent) != UNCHANGED || a_dlma == (lma) || a_dlma == NOBODY))
	fi
}

/* moved_tell_also(): the new D-LMA may not come to it. If that is the H-LMA, see claim.c. */
inline tell_was()
{
	if
	:: !mute && was != NOBODY && was != HOME && a_dlma != HOME ->
		stop_update(HOME, was);
		send(MESSAGE(UPDATE, HOME, was | (a_dlma << 2), a_stamp) | unacknowledged)
	:: else
	fi
}

/* anchor_claim(); found: accepted */
inline anchor_claim(lma, stamp, intent)
{
	was = NOBODY;
	in_order(lma, stamp, intent);
	if
	:: found && a_dlma != (lma) ->
		was = a_dlma;
		a_previous = a_dlma;
		a_dlma = lma;
		a_stamp = stamp;
		tell_was()
	:: found && a_dlma == (lma) -> a_stamp = stamp
	:: else
	fi
}

/* Who is named to a new D-LMA: the H-LMA itself has switched already. */
#define PREVIOUS(lma) (a_previous == (lma) || a_previous == HOME -> NOBODY : a_previous)

inline anchor_release(lma, stamp)
{
	if
	:: a_dlma == (lma) && (stamp) >= a_stamp ->
		a_dlma = NOBODY;
		a_previous = NOBODY;
		a_stamp = stamp
	:: else
	fi
}
