/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ordering rule (docs/design.md 3.1) for one MN, as agent/core has it: docs/model.md says what
 * this proves. Each inline is named after the function that it stands for.
 *
 * One process: in every state it lets one event happen, any that can. What there is, and how often
 * what may happen, stands in the environment, in MODEL="moves=4 crashes=1"; see the options below.
 */
#ifndef MANY
#define MANY 4 /* room for so many LMAs and MAGs; 3 makes smaller states */
#endif
#define HOME 0 /* the H-LMA */
#define NOBODY 7
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* Hidden from the state: they never change. */
hidden byte lmas, mags;	   /* how many; LMA 0 is the H-LMA */
hidden byte first, shared; /* LMA of the first MAG, MAGs to an LMA */
hidden byte near;	   /* messages between a MAG and its LMA take no time */
hidden byte alike;	   /* MAGs 1 and 2 are: the MN goes to 1 first */
hidden byte moves;	   /* of the MN, which is registered at MAG 0 before */
hidden byte repeats;	   /* retransmissions that were not needed */
hidden byte crashes;	   /* of the H-LMA */
hidden byte notices;	   /* location updates that a packet or a query causes */
hidden byte refreshes;	   /* registrations that say "unchanged" */
hidden byte expiries;	   /* forwarding entries that end early */
hidden byte skew;	   /* how far clocks may differ, in half moves; any site's may be ahead */
hidden byte window;	   /* RFC 5213 5.5, in half moves: an older PBU counts for nothing */

/* What is wrong on purpose: the rules that are known to be bad, */
hidden byte last_wins;	    /* the last message received wins: the draft's text */
hidden byte plain_stamps;   /* timestamps, and nobody bids above them */
hidden byte unacknowledged; /* the word to a previous D-LMA is sent once */
hidden byte forgets;	    /* the H-LMA is not durable */
hidden byte no_mark;	    /* nothing says that a packet was forwarded before */
hidden byte no_delete;	    /* an attach does not delete the forwarding entry */
/* and what this model has found. */
hidden byte mute;	/* the H-LMA leaves it to the new D-LMA to tell the previous one */
hidden byte deaf;	/* a LMA that waits for the H-LMA does not hear the next D-LMA */
hidden byte loses_time; /* a binding that is claimed back has forgotten the last timestamp */
hidden byte turns_away; /* a MAG turns away a MN whose refresh was refused */
hidden byte clings; /* a LMA that the H-LMA refuses keeps what it knew before */
hidden byte hasty; /* a refresh replaces the claim for a MN that has come */
hidden byte shrugs; /* a LMA that waits for the H-LMA hears only what is above its own claim */

#define LMA_OF(mag) (first + (mag) / shared)
#define LMA_IN_C(mag) (first + (mag) / shared)
#define WALL(lma) (clock + fast[lma])
#define WALL_IN_C(lma) (now.clock + now.fast[lma])

byte at = 0;	      /* MAG where the MN is */
byte moved = 0;	      /* moves made */
byte clock = 1;	      /* two ticks a move, and see pass() */
byte fast[MANY];  /* how far a site's clock is ahead */
byte used_repeats = 0, used_crashes = 0, used_notices = 0, used_refreshes = 0, used_expiries = 0;
bit restarted;	      /* the H-LMA's own MAG has not noticed yet that it was restarted */

#include "message.pml"
#include "mag.pml"
#include "anchor.pml"
#include "lma.pml"
#include "check.pml"

c_code {
	static int option(const char *name, int fallback)
	{
		const char *all = getenv("MODEL");
		size_t len = strlen(name);

		for (; all && *all; all += strcspn(all, " "), all += strspn(all, " "))
			if (!strncmp(all, name, len) && all[len] == '=')
				return atoi(all + len + 1);
		return fallback;
	}
#define OPTION(name, fallback) name = option(#name, fallback)

	static void read_options(void)
	{
		OPTION(lmas, 4);
		OPTION(mags, 3);
		OPTION(first, 1);
		OPTION(shared, 1);
		OPTION(near, 0);
		OPTION(alike, 1);
		OPTION(moves, 2);
		OPTION(repeats, 0);
		OPTION(crashes, 0);
		OPTION(notices, 0);
		OPTION(refreshes, 0);
		OPTION(expiries, 0);
		OPTION(skew, 0);
		OPTION(window, 3);
		OPTION(last_wins, 0);
		OPTION(plain_stamps, 0);
		OPTION(unacknowledged, 0);
		OPTION(forgets, 0);
		OPTION(no_mark, 0);
		OPTION(no_delete, 0);
		OPTION(mute, 0);
		OPTION(deaf, 0);
		OPTION(loses_time, 0);
		OPTION(turns_away, 0);
		OPTION(clings, 0);
		OPTION(shrugs, 0);
		OPTION(hasty, 0);
	}
};

c_code {
	static void bag_age(void)
	{
		for (int g = 0; g < mags; g++)
			for (int at = 0; at < now.sent; at++) {
				short message = now.net[at];

				if (TYPE(message) != PBU || PARTY(message) != g ||
				    STAMP(message) >= WALL_IN_C(LMA_IN_C(g)))
					continue;
				bag_take(at--);
				if (IS_OVER(message))
					continue;
				now.m_last[g] = WALL_IN_C(LMA_IN_C(g));
				bag_put(MESSAGE(PBU, g, ARGUMENT(message), now.m_last[g]));
			}
	}

	/* What claim_build() says now. */
	static short claim_in_c(int lma)
	{
		return MESSAGE(CLAIM, lma,
			now.b_state[lma] == RELEASING ? LEAVE : now.b_unchanged[lma], now.b_stamp[lma]);
	}

	/*
	 * The H-LMA starts anew. Nobody takes a message of its run before any more, nor does it take
	 * one that was meant for that run; what waits for its answer is asked again.
	 */
	static void bag_crash(void)
	{
		int at = 0;

		while (at < now.sent) {
			short message = now.net[at];
			int type = TYPE(message), home = type < BRI ? PARTY(message) == HOME
								     : LMA_IN_C(PARTY(message)) == HOME;

			if (type == ANSWER) {
				bag_take(at);
				bag_put(claim_in_c(PARTY(message)));
				at = 0;
			} else if ((type == CLAIM && IS_OVER(message)) ||
				   (home && type != PBU && type != CLAIM) ||
				   (home && type == PBU && IS_OVER(message))) {
				bag_take(at);
			} else {
				at++;
			}
		}
	}
};

/* claim_all() */
inline claim_again(i)
{
	find_open(CLAIM, i);
	if
	:: i < lmas && b_state[i] == ACTIVE && !found -> claim(i)
	:: else
	fi
}

/*
 * The H-LMA dies, and comes back with its store. The D-LMAs notice at once; their claims take the
 * time that noticing takes.
 */
inline crash()
{
	used_crashes++;
	c_code { bag_crash(); };
	if
	:: forgets ->
		/* Its restart counter as well, so nobody notices. */
		a_dlma = NOBODY;
		a_previous = NOBODY;
		a_stamp = 0
	:: else ->
		claim_again(1);
		claim_again(2);
#if MANY > 3
		claim_again(3)
#endif
	fi;
	if
	:: first == HOME ->
		restarted = 1;
		r_last[0] = 0;
		drop(HOME)
	:: else
	fi
}

/* mag_register_all() of the H-LMA's own MAG */
inline register_again()
{
	restarted = 0;
	if
	:: m_state[0] == REGISTERED -> refresh(0)
	:: else
	fi
}

/* notice_build() at the H-LMA, or at a previous D-LMA: nobody waits for the answer. */
#define KNOWN(i) (i == HOME -> a_dlma : l_target[i])
#define CAN_TELL(i, peer) \
	((i) < lmas && (i) != (peer) && b_state[i] == NONE && KNOWN(i) != (peer) && \
	 ((i) == HOME -> a_dlma != NOBODY && a_dlma != HOME : l_kind[i] == FORWARDING))

inline notify(i, peer)
{
	used_notices++;
	dlma = KNOWN(i);
	since = (i == HOME -> a_stamp : l_stamp[i]);
	send(MESSAGE(UPDATE, i, (peer) | (dlma << 2), since) | 1)
}

inline expire(i)
{
	used_expiries++;
	pass(l_stamp[i]);
	learnt_set(i, NONE, 0, 0)
}

/* The same request once more, as it would be built now. */
inline repeat(message)
{
	used_repeats++;
	m = message;
	chosen = PARTY(m);
	if
	:: TYPE(m) == PBU -> send_pbu(chosen, ARGUMENT(m))
	:: TYPE(m) == CLAIM || TYPE(m) == ANSWER ->
		send(MESSAGE(CLAIM, chosen,
			(b_state[chosen] == RELEASING -> LEAVE : b_unchanged[chosen]),
			b_stamp[chosen]))
	:: TYPE(m) == UPDATE && chosen == HOME && a_dlma != NOBODY && a_dlma != TO(m) ->
		send(MESSAGE(UPDATE, HOME, TO(m) | (a_dlma << 2), a_stamp))
	:: TYPE(m) == UPDATE && (chosen != HOME || a_dlma == NOBODY || a_dlma == TO(m)) -> send(m)
	:: TYPE(m) == BRI || TYPE(m) == BRA -> send(MESSAGE(BRI, chosen, ARGUMENT(m), STAMP(m)))
	fi
}

inline move(g, again)
{
	at = g;
	moved++;
	clock = clock + 2;
	announced(g, again)
}

#if MANY > 3
#define FOURTH(can) :: can(3) -> i = 3
#else
#define FOURTH(can)
#endif

/* Chooses one of the LMAs or MAGs, or of the messages, for which a condition holds. */
#define CHOOSE(can) \
	if \
	:: can(0) -> i = 0 \
	:: can(1) -> i = 1 \
	:: can(2) -> i = 2 \
	FOURTH(can) \
	fi
#define CHOOSE_MESSAGE(can) \
	if \
	:: can(0) -> i = 0 \
	:: can(1) -> i = 1 \
	:: can(2) -> i = 2 \
	:: can(3) -> i = 3 \
	:: can(4) -> i = 4 \
	:: can(5) -> i = 5 \
	:: can(6) -> i = 6 \
	:: can(7) -> i = 7 \
	:: can(8) -> i = 8 \
	:: can(9) -> i = 9 \
	:: can(10) -> i = 10 \
	:: can(11) -> i = 11 \
	:: can(12) -> i = 12 \
	:: can(13) -> i = 13 \
	:: can(14) -> i = 14 \
	:: can(15) -> i = 15 \
	fi

/* Nothing is on its way that takes no time; such messages are the largest. */
#define CALM (!near || sent == 0 || TYPE(net[0]) < BRI)
#define IS_MESSAGE(j) (sent > (j) && ((j) == 0 || net[j] != net[(j) - 1]))
#define CAN_COME(j) (IS_MESSAGE(j) && ((j) == 0 || CALM))
#define CAN_REPEAT(j) (used_repeats < repeats && IS_MESSAGE(j) && !IS_OVER(net[j]) && CALM)
#define CAN_MOVE(g) \
	((g) < mags && at != (g) && moved < moves && CALM && !restarted && \
	 (moved > 0 || !alike || (g) == 1))
#define CAN_SLIP(g) (CAN_MOVE(g) && m_state[g] == REGISTERED)
#define CAN_MISS(g) \
	((g) < mags && at != (g) && (m_state[g] == REGISTERED || m_state[g] == REGISTERING) && CALM)
#define IS_PAUSED(g) ((g) < mags && m_state[g] >= REFUSED && CALM)
#define CAN_REFRESH(g) (used_refreshes < refreshes && (g) == at && m_state[g] == REGISTERED && CALM)
#define IS_DUE(i) ((i) < lmas && b_state[i] == DELETING && CALM)
#define CAN_EXPIRE(i) (used_expiries < expiries && (i) < lmas && l_kind[i] != NONE && CALM)
#define CAN_TELL_1(i) (used_notices < notices && CAN_TELL(i, 1) && CALM)
#define CAN_TELL_2(i) (used_notices < notices && CAN_TELL(i, 2) && CALM)
#define CAN_TELL_3(i) (used_notices < notices && lmas > 3 && CAN_TELL(i, 3) && CALM)

#define HAPPEN(format, value, what) \
	d_step { \
		printf(format, value); \
		what \
	}
#define RECEIVE(type, what) \
	d_step { \
		TYPE(net[i]) == type -> \
		printf("receive %d\n", net[i]); \
		take(i); \
		who = PARTY(m); \
		what \
	}

hidden byte who, lma; /* party of the message, and the LMA that it comes to */

inline receive()
{
	CHOOSE_MESSAGE(CAN_COME);
	if
	:: RECEIVE(PBU, lma = LMA_OF(who); on_pbu(lma, who))
	:: RECEIVE(CLAIM, on_claim(who))
	:: RECEIVE(ANSWER, on_answer(who))
	:: RECEIVE(UPDATE, lma = TO(m); on_update(lma))
	:: RECEIVE(BRI, on_bri(who))
	:: RECEIVE(BRA, lma = LMA_OF(who); on_bra(lma, who))
	fi
}

active proctype world()
{
	byte i = 0;

	d_step {
		c_code { read_options(); };
		a_dlma = LMA_OF(0);
		a_previous = NOBODY;
		a_stamp = 1;
		b_state[LMA_OF(0)] = ACTIVE;
		b_stamp[LMA_OF(0)] = 1;
		m_state[0] = REGISTERED
	};
	atomic {
		do
		:: i < lmas && skew -> fast[i] = skew; i++
		:: i < lmas -> i++
		:: i == lmas -> i = 0; break
		od
	};
end:	do
	:: atomic {
		if
		:: receive()
		:: CHOOSE(CAN_MOVE); HAPPEN("move %d\n", i, move(i, 1))
		:: CHOOSE(CAN_SLIP); HAPPEN("slip %d\n", i, move(i, 0))
		:: CHOOSE(CAN_MISS); HAPPEN("miss %d\n", i, mag_leave(i))
		:: CHOOSE(IS_PAUSED); HAPPEN("pause %d\n", i, pause_due(i))
		:: CHOOSE(CAN_REFRESH); HAPPEN("refresh %d\n", i, used_refreshes++; refresh(i))
		:: CHOOSE(IS_DUE); HAPPEN("due %d\n", i, deletion_due(i))
		:: CHOOSE(CAN_EXPIRE); HAPPEN("expire %d\n", i, expire(i))
		:: CHOOSE_MESSAGE(CAN_REPEAT); HAPPEN("repeat %d\n", net[i], repeat(net[i]))
		:: CHOOSE(CAN_TELL_1); HAPPEN("tell1 %d\n", i, notify(i, 1))
		:: CHOOSE(CAN_TELL_2); HAPPEN("tell2 %d\n", i, notify(i, 2))
#if MANY > 3
		:: CHOOSE(CAN_TELL_3); HAPPEN("tell3 %d\n", i, notify(i, 3))
#endif
		:: used_crashes < crashes && CALM; HAPPEN("crash %d\n", 0, crash())
		:: restarted && CALM; HAPPEN("restart %d\n", 0, register_again())
		fi;
		d_step {
			i = 0;
			settle()
		}
	}
	od
}
