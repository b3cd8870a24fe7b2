/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The MAG: mag.c and presence.c of agent/core.
 *
 * A PBA takes no time. A late one adds nothing: the MAG does meanwhile what it does after it. A
 * probe takes none either: the BRI that causes it may be as late as it likes.
 */
#define GONE 0
#define REGISTERING 1
#define REGISTERED 2
#define LEAVING 3
#define REFUSED 4
#define WAITING 5

#define RETRIES_MAX 3

byte m_state[MANY];
byte m_last[MANY];	    /* timestamp of the last PBU; 0: behind the clock anyway */
byte m_retries[MANY];
bit m_unchanged[MANY];  /* intent of the PBU on its way */

inline stop_registration(g)
{
	stop(PBU, g);
	if
	:: b_mag[LMA_OF(g)] == g -> b_waiting[LMA_OF(g)] = 0
	:: else
	fi
}

/* found: the MAG waits for a PBA, and the PBU is on its way or held by the LMA. */
inline find_registration(g)
{
	find_open(PBU, g);
	found = found || (b_waiting[LMA_OF(g)] && b_mag[LMA_OF(g)] == g)
}

/* Each PBU is later than the one before, whatever the clock does. */
inline send_pbu(g, intent)
{
	m_last[g] = MAX(WALL(LMA_OF(g)), m_last[g] + 1);
	assert(m_last[g] <= STAMP_MAX);
	send(MESSAGE(PBU, g, intent, m_last[g]))
}

/* mag_register() */
inline register(g, intent)
{
	stop_registration(g);
	m_unchanged[g] = ((intent) == UNCHANGED);
	if
	:: m_state[g] != REGISTERED && (intent) != LEAVE -> m_state[g] = REGISTERING
	:: else
	fi;
	send_pbu(g, intent)
}

inline attached(g)
{
	m_retries[g] = 0;
	register(g, UNKNOWN)
}

inline mag_enter(g, state)
{
	stop_registration(g);
	m_state[g] = state;
	m_last[g] = 0;
	m_retries[g] = 0;
	m_unchanged[g] = 0
}

inline mag_leave(g)
{
	m_state[g] = LEAVING;
	register(g, LEAVE)
}

/* mag_answered() */
inline answer_registration(g, verdict, stamp)
{
	stop_registration(g);
	if
	:: m_state[g] == LEAVING -> mag_enter(g, GONE)
	:: else ->
		if
		:: (verdict) == ACCEPTED ->
			m_state[g] = REGISTERED;
			m_retries[g] = 0
		:: (verdict) == PROHIBITED && m_unchanged[g] && !turns_away ->
			/* The MN was heard of just before. */
			register(g, UNKNOWN)
		:: (verdict) == LOWER && m_retries[g] < RETRIES_MAX ->
			m_retries[g]++;
			m_last[g] = MAX(m_last[g], stamp);
			register(g, m_unchanged[g])
		:: (verdict) == LOWER && m_retries[g] == RETRIES_MAX -> mag_enter(g, WAITING)
		:: else -> mag_enter(g, REFUSED)
		fi
	fi
}

/* presence_on_revocation() */
inline on_bri(g)
{
	if
	:: m_state[g] == LEAVING || (m_state[g] != GONE && m_state[g] != REFUSED && at != g) ->
		mag_enter(g, GONE);
		r_last[g] = (IS_OVER(m) -> r_last[g] : 0)
	:: m_state[g] != GONE && m_state[g] != LEAVING && m_state[g] != REFUSED && at == g &&
	   !IS_OVER(m) ->
		send(MESSAGE(BRA, g, ARGUMENT(m), STAMP(m)));
		if
		:: m_state[g] == WAITING -> register(g, UNKNOWN)
		:: else
		fi
	:: else -> r_last[g] = (IS_OVER(m) -> r_last[g] : 0)
	fi
}

/* announced(): the MN is here, and says so; `again`: longer than the pace since it said so last. */
inline announced(g, again)
{
	find_registration(g);
	if
	:: m_state[g] == GONE || m_state[g] == LEAVING -> attached(g)
	:: m_state[g] == REGISTERED && again && !found -> attached(g)
	:: else
	fi
}

/* presence_due(): time for a refresh. */
inline refresh(g)
{
	find_registration(g);
	if
	:: found
	:: !found && at == g -> register(g, UNCHANGED)
	:: !found && at != g -> mag_leave(g)
	fi
}

/* The pause is over; if the MN is there it is heard again. */
inline pause_due(g)
{
	mag_enter(g, GONE);
	if
	:: at == g -> attached(g)
	:: else
	fi
}
