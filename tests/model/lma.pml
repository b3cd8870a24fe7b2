/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The LMA: binding.c, claim.c, moved.c, registration.c, learnt.c and revoke.c of agent/core. */
#define NONE 0
#define PENDING 1
#define ACTIVE 2
#define DELETING 3
#define RELEASING 4 /* DELETING, and the H-LMA is being told */

#define FORWARDING 1
#define CACHED 2

#define OUTBIDS_MAX 5

/* The binding. */
byte b_state[MANY], b_stamp[MANY], b_mag[MANY], b_outbids[MANY];
byte b_last[MANY];			   /* timestamp of the last PBU; 0: see trim() */
bit b_unchanged[MANY];		   /* intent of that PBU */
bit b_waiting[MANY];		   /* it waits for its PBA */
bit b_leaving[MANY];		   /* PENDING, and de-registered */
byte b_next[MANY], b_next_stamp[MANY]; /* a later D-LMA has spoken already; 0: none */
/* What is left of one: the way on, and the last timestamp until the MAG has answered. */
byte l_kind[MANY], l_target[MANY], l_stamp[MANY];
byte r_last[MANY];

hidden byte last, mag, dlma, since, newest;
hidden byte live, same, told;
hidden byte at_home = 0; /* the H-LMA's own binding claims, at the end of this step */

inline learnt_set(i, kind, target, stamp)
{
	l_kind[i] = kind;
	l_target[i] = target;
	l_stamp[i] = stamp
}

inline raise(i, stamp)
{
	b_stamp[i] = stamp;
	assert(b_stamp[i] <= STAMP_MAX)
}

/* binding_next_stamp() */
inline next_stamp(i, timestamp)
{
	newest = MAX(b_stamp[i], l_stamp[i]);
	newest = (plain_stamps || (timestamp) > newest -> (timestamp) : newest + 1);
	raise(i, newest)
}

inline drop(i)
{
	stop(CLAIM, i);
	if
	:: b_waiting[i] ->
		/* It gets no answer, so the MAG asks again. */
		mag = b_mag[i];
		send_pbu(mag, m_unchanged[mag])
	:: else
	fi;
	b_state[i] = NONE;
	b_stamp[i] = 0;
	b_mag[i] = 0;
	b_outbids[i] = 0;
	b_last[i] = 0;
	b_unchanged[i] = 0;
	b_waiting[i] = 0;
	b_leaving[i] = 0;
	b_next[i] = 0;
	b_next_stamp[i] = 0
}

inline revoke_start(g, stamp)
{
	stop(BRI, g);
	r_last[g] = (loses_time -> 0 : b_last[LMA_OF(g)]);
	send(MESSAGE(BRI, g, ONCE, stamp))
}

inline binding_lost(i, target, stamp)
{
	if
	:: b_state[i] == ACTIVE -> revoke_start(b_mag[i], stamp)
	:: else
	fi;
	if
	:: (i) != HOME -> learnt_set(i, FORWARDING, target, stamp)
	:: else
	fi;
	drop(i)
}

/* To the PBU that waits; the binding is not touched by a refusal. */
inline reply(i, verdict, stamp)
{
	if
	:: b_waiting[i] ->
		b_waiting[i] = 0;
		answer_registration(b_mag[i], verdict, stamp)
	:: else
	fi
}

inline activate(i)
{
	b_state[i] = ACTIVE;
	b_outbids[i] = 0;
	stop(BRI, b_mag[i]);
	r_last[b_mag[i]] = 0;
	if
	:: !no_delete -> learnt_set(i, NONE, 0, 0)
	:: else
	fi
}

/* moved_tell() */
inline tell_previous(i, previous)
{
	if
	:: (previous) != NOBODY && (previous) != (i) ->
		stop_update(i, previous);
		send(MESSAGE(UPDATE, i, (previous) | ((i) << 2), b_stamp[i]) | unacknowledged)
	:: else
	fi
}

/* registration_await_return() */
inline await_return(i)
{
	stop(CLAIM, i);
	b_state[i] = DELETING;
	b_leaving[i] = 0;
	/* A refresh still on its way to the H-LMA must not undo this. */
	next_stamp(i, b_last[i])
}

inline accepted(i, previous)
{
	if
	:: b_state[i] == PENDING ->
		activate(i);
		reply(i, ACCEPTED, 0)
	:: else
	fi;
	tell_previous(i, previous);
	if
	:: b_leaving[i] -> await_return(i)
	:: else
	fi;
	if
	:: b_next_stamp[i] > b_stamp[i] ->
		dlma = b_next[i];
		since = b_next_stamp[i];
		binding_lost(i, dlma, since)
	:: else ->
		b_next[i] = 0;
		b_next_stamp[i] = 0
	fi
}

/* PENDING, and the MN is elsewhere since later. */
inline give_way(i, stamp)
{
	if
	:: !b_leaving[i] -> revoke_start(b_mag[i], stamp)
	:: else
	fi;
	if
	:: b_next_stamp[i] && (clings || b_next_stamp[i] > l_stamp[i]) ->
		learnt_set(i, FORWARDING, b_next[i], b_next_stamp[i])
	:: else
	fi;
	/* learnt_surpassed() */
	if
	:: l_kind[i] == FORWARDING && l_stamp[i] < (stamp) && !(clings && b_next_stamp[i]) ->
		learnt_set(i, FORWARDING, HOME, stamp)
	:: else
	fi;
	drop(i)
}

inline outdated(i, stamp)
{
	told = (b_next_stamp[i] && b_next_stamp[i] >= (stamp));
	if
	:: !plain_stamps && !b_unchanged[i] && !b_leaving[i] && !told &&
	   b_outbids[i] < OUTBIDS_MAX ->
		b_outbids[i]++;
		raise(i, (stamp) + 1);
		stop(CLAIM, i);
		send(MESSAGE(CLAIM, i, UNKNOWN, b_stamp[i]))
	:: else ->
		if
		:: b_state[i] != PENDING -> binding_lost(i, HOME, stamp)
		:: b_state[i] == PENDING && !told ->
			told = (b_unchanged[i] -> PROHIBITED : LOWER);
			reply(i, told, WALL(i));
			give_way(i, stamp)
		:: else -> give_way(i, stamp)
		fi
	fi
}

/* claim_start() at the LMA that owns the HNP: decided at once, and only a refresh is refused. */
inline claim_at_home()
{
	anchor_claim(HOME, b_stamp[HOME], b_unchanged[HOME]);
	if
	:: !found && !b_unchanged[HOME] && !plain_stamps ->
		raise(HOME, a_stamp + 1);
		anchor_claim(HOME, b_stamp[HOME], UNKNOWN)
	:: else
	fi;
	if
	:: found -> accepted(HOME, PREVIOUS(HOME))
	:: !found && b_state[HOME] == PENDING ->
		told = (b_unchanged[HOME] -> PROHIBITED : LOWER);
		reply(HOME, told, WALL(HOME));
		give_way(HOME, a_stamp)
	:: else -> binding_lost(HOME, HOME, a_stamp)
	fi
}

inline claim(i)
{
	if
	:: (i) == HOME -> at_home = 1
	:: else ->
		stop(CLAIM, i);
		send(MESSAGE(CLAIM, i, b_unchanged[i], b_stamp[i]))
	fi
}

/* claim_answered() */
inline on_answer(i)
{
	stop(CLAIM, i);
	if
	:: b_state[i] == RELEASING -> drop(i)
	:: b_state[i] != RELEASING && ARGUMENT(m) == LOWER -> outdated(i, STAMP(m))
	:: else -> accepted(i, ARGUMENT(m))
	fi
}

/* binding_pass_over(): PENDING for one MAG, and another one comes. */
inline pass_over(i)
{
	b_waiting[i] = 0;
	if
	:: !b_leaving[i] -> revoke_start(b_mag[i], b_stamp[i])
	:: else
	fi
}

/* may_return_now(), into `found`: at once for the first time, then the MAG is asked once more. */
inline may_return(i, g)
{
	found = (ARGUMENT(m) == PACED || b_outbids[i] == 0);
	if
	:: ARGUMENT(m) != PACED && b_outbids[i] <= OUTBIDS_MAX -> b_outbids[i]++
	:: else
	fi;
	if
	:: !found ->
		r_last[g] = last;
		send(MESSAGE(BRI, g, PACED, STAMP(m)))
	:: else
	fi
}

/* return_anew() */
inline return_anew(i, g)
{
	b_state[i] = PENDING;
	b_mag[i] = g;
	b_last[i] = last;
	raise(i, STAMP(m) + 1);
	claim(i)
}

/* return_pending() */
inline return_pending(i, g)
{
	may_return(i, g);
	if
	:: found ->
		pass_over(i);
		b_leaving[i] = 0;
		b_mag[i] = g;
		next_stamp(i, STAMP(m) + 1);
		claim(i)
	:: else
	fi
}

/* return_to() */
inline return_to(i, g)
{
	may_return(i, g);
	if
	:: found && b_state[i] == ACTIVE -> revoke_start(b_mag[i], b_stamp[i] + 1)
	:: else
	fi;
	if
	:: found ->
		b_state[i] = ACTIVE;
		b_mag[i] = g;
		b_unchanged[i] = 0;
		next_stamp(i, 0);
		claim(i)
	:: else
	fi
}

/* binding_outbid() */
inline on_bra(i, g)
{
	stop(BRI, g);
	last = r_last[g];
	r_last[g] = 0;
	if
	:: plain_stamps
	:: !plain_stamps && b_state[i] == NONE -> return_anew(i, g)
	:: !plain_stamps && b_state[i] == PENDING && b_mag[i] != g -> return_pending(i, g)
	:: !plain_stamps && b_state[i] > PENDING && b_mag[i] != g -> return_to(i, g)
	:: else
	fi
}

/* adds_nothing(), into `found`: a refresh, while a claim for a MN that has come is on its way. */
inline adds_nothing(i, g, intent)
{
	find_open(CLAIM, i);
	found = ((intent) == UNCHANGED && b_mag[i] == g && found && !b_unchanged[i] && !hasty)
}

/* update(): a refresh, or another MAG under this LMA. */
inline update_registration(i, g, timestamp, intent)
{
	same = (b_state[i] == ACTIVE && b_mag[i] == g);
	if
	:: !same && (intent) == UNCHANGED ->
		if
		:: live -> answer_registration(g, PROHIBITED, 0)
		:: else
		fi
	:: else ->
		if
		:: !same && b_state[i] == ACTIVE -> revoke_start(b_mag[i], b_stamp[i])
		:: else
		fi;
		b_last[i] = timestamp;
		adds_nothing(i, g, intent);
		b_unchanged[i] = (found -> b_unchanged[i] : (intent));
		told = found;
		b_mag[i] = g;
		if
		:: (intent) != UNCHANGED -> next_stamp(i, timestamp)
		:: else
		fi;
		if
		:: !same -> activate(i)
		:: else
		fi;
		b_waiting[i] = live;
		reply(i, ACCEPTED, 0);
		if
		:: !told -> claim(i)
		:: else
		fi
	fi
}

inline register_new(i, g, timestamp, intent)
{
	adds_nothing(i, g, intent);
	told = (b_state[i] == PENDING && !b_leaving[i] && found);
	if
	:: b_state[i] == PENDING && b_mag[i] != g -> pass_over(i)
	:: else
	fi;
	b_state[i] = PENDING;
	b_leaving[i] = 0;
	b_waiting[i] = live;
	b_last[i] = timestamp;
	b_mag[i] = g;
	if
	:: !told ->
		b_unchanged[i] = (intent);
		b_outbids[i] = 0;
		next_stamp(i, timestamp);
		claim(i)
	:: else
	fi
}

inline deregister(i, g, timestamp)
{
	b_last[i] = (b_state[i] == NONE -> 0 : timestamp);
	if
	:: live -> answer_registration(g, ACCEPTED, 0)
	:: else
	fi;
	if
	:: b_state[i] == PENDING ->
		/* The H-LMA may have agreed by now, and has to be told then. */
		b_waiting[i] = 0;
		b_leaving[i] = 1
	:: b_state[i] == ACTIVE -> await_return(i)
	:: else
	fi
}

/* registration_on_pbu() */
inline on_pbu(i, g)
{
	live = !IS_OVER(m);
	if
	:: live && STAMP(m) + window < WALL(i) ->
		/* Sent again long since, with a timestamp that holds. */
		m_last[g] = MAX(WALL(i), m_last[g] + 1);
		m = MESSAGE(PBU, g, ARGUMENT(m), m_last[g])
	:: else
	fi;
	last = (b_state[i] == NONE -> r_last[g] : b_last[i]);
	if
	:: STAMP(m) + window < WALL(i)
	:: STAMP(m) + window >= WALL(i) && STAMP(m) <= last ->
		if
		:: live -> answer_registration(g, LOWER, WALL(i))
		:: else
		fi
	:: STAMP(m) + window >= WALL(i) && ARGUMENT(m) == LEAVE && STAMP(m) > last ->
		if
		:: b_state[i] == NONE || b_mag[i] == g -> deregister(i, g, STAMP(m))
		:: b_state[i] != NONE && b_mag[i] != g && live ->
			/* Not answered, so asked again until the MAG gives up. */
			mag_enter(g, GONE)
		:: else
		fi
	:: else ->
		if
		:: b_state[i] >= ACTIVE -> update_registration(i, g, STAMP(m), ARGUMENT(m))
		:: else -> register_new(i, g, STAMP(m), ARGUMENT(m))
		fi
	fi
}

/* update_binding(), update_pending(), update_learnt() */
inline on_update(i)
{
	if
	:: i == HOME || DLMA(m) == i
	:: else ->
		if
		:: b_state[i] == PENDING && PARTY(m) != DLMA(m) && PARTY(m) != HOME
		:: b_state[i] == PENDING && (PARTY(m) == DLMA(m) || PARTY(m) == HOME) && !deaf ->
			if
			:: STAMP(m) > b_next_stamp[i] && (!shrugs || STAMP(m) > b_stamp[i]) ->
				b_next[i] = DLMA(m);
				b_next_stamp[i] = STAMP(m)
			:: else
			fi
		:: b_state[i] >= ACTIVE && (PARTY(m) == DLMA(m) || PARTY(m) == HOME) ->
			if
			:: STAMP(m) > b_stamp[i] || last_wins -> binding_lost(i, DLMA(m), STAMP(m))
			:: else
			fi
		:: b_state[i] == NONE &&
		   (PARTY(m) == HOME || (l_kind[i] != NONE && l_target[i] == PARTY(m))) ->
			if
			:: l_kind[i] == NONE || STAMP(m) >= l_stamp[i] || last_wins ->
				learnt_set(i, (l_kind[i] == FORWARDING -> FORWARDING : CACHED),
					DLMA(m), STAMP(m))
			:: else
			fi
		:: else
		fi
	fi
}

/*
 * A wait that is longer than stamps are ahead of clocks, and than the window of timestamps: PBUs of
 * before it come too late, or have been sent again since.
 */
inline pass(stamp)
{
	clock = MAX(clock, (stamp) + 1);
	assert(clock <= STAMP_MAX);
	c_code { bag_age(); }
}

/* binding_due() of one that was de-registered */
inline deletion_due(i)
{
	pass(b_stamp[i]);
	if
	:: i == HOME ->
		anchor_release(HOME, b_stamp[HOME]);
		drop(HOME)
	:: else ->
		b_state[i] = RELEASING;
		send(MESSAGE(CLAIM, i, LEAVE, b_stamp[i]))
	fi
}

/* anchor_on_pbu(): here, for it may take the MN from the H-LMA's own MAG. */
inline on_claim(lma)
{
	was = NOBODY;
	if
	:: ARGUMENT(m) == LEAVE ->
		anchor_release(lma, STAMP(m));
		found = 1
	:: else -> anchor_claim(lma, STAMP(m), ARGUMENT(m))
	fi;
	if
	:: was == HOME && b_state[HOME] >= ACTIVE -> binding_lost(HOME, lma, STAMP(m))
	:: else
	fi;
	if
	:: IS_OVER(m)
	:: !IS_OVER(m) && ARGUMENT(m) == LEAVE -> send(MESSAGE(ANSWER, lma, ACCEPTED, 0))
	:: !IS_OVER(m) && ARGUMENT(m) != LEAVE && found ->
		send(MESSAGE(ANSWER, lma, PREVIOUS(lma), 0))
	:: else -> send(MESSAGE(ANSWER, lma, LOWER, a_stamp))
	fi
}
