/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What has to be true, and what may be left out of a state without loss. */
#define TUNNELS_MAX 6

hidden byte k, n, t, own, from, next, tunnels;
hidden byte forwarded, returned, fresh, marked, dropped, stray;

/*
 * A native packet that reaches an LMA while nothing changes: bpf/resolve.h, without the waiting
 * room. It ends at the D-LMA `n`, or dropped; `stray`: and then the sender hears of it by a
 * Binding Error, and drops the entry that it followed.
 */
inline follow(start)
{
	n = start;
	from = NOBODY;
	tunnels = 0;
	forwarded = 0;
	returned = 0;
	dropped = 0;
	stray = 0;
	do
	:: dropped || tunnels > TUNNELS_MAX || b_state[n] == ACTIVE -> break
	:: else ->
		fresh = (from == NOBODY);
		marked = forwarded;
		next = NOBODY;
		if
		:: n == HOME -> next = (a_dlma == HOME -> NOBODY : a_dlma)
		:: n != HOME && fresh ->
			next = (l_kind[n] == NONE || b_state[n] >= DELETING -> HOME : l_target[n])
		:: n != HOME && !fresh && l_kind[n] == FORWARDING && b_state[n] < ACTIVE ->
			if
			:: !forwarded ->
				next = l_target[n];
				forwarded = !no_mark
			:: forwarded && !returned ->
				next = HOME;
				returned = 1
			:: else
			fi
		:: else -> stray = 1
		fi;
		if
		:: next == NOBODY || (marked && next == from) -> dropped = 1
		:: else ->
			from = n;
			n = next;
			tunnels++
		fi
	od
}

inline check_loops()
{
	t = 0;
	do
	:: t < lmas ->
		follow(t);
		assert(tunnels <= TUNNELS_MAX);
		t++
	:: else -> break
	od
}

/* Forwarding entries that point in a circle; those under a binding are out of use. */
inline check_circle(start)
{
	n = start;
	k = 0;
	do
	:: k <= MANY && l_kind[n] == FORWARDING && b_state[n] < ACTIVE ->
		n = l_target[n];
		k++
	:: else -> break
	od;
	assert(k <= MANY)
}

/* Nobody waits for anything: everything must be right, and stays so. */
inline check_rest()
{
	own = LMA_OF(at);
	assert(m_state[at] == REGISTERED);
	assert(a_dlma == own);
	assert(b_state[own] == ACTIVE && b_mag[own] == at);
	t = 0;
	do
	:: t < lmas ->
		assert(t == own || b_state[t] == NONE || b_state[t] == DELETING);
		follow(t);
		assert((!dropped && n == own) || stray);
		check_circle(t);
		t++
	:: else -> break
	od
}

c_code {
	/* Of timestamps behind every clock, only the PBUs on their way still know. */
	static int trim_last(int lma, int last)
	{
		int kept = 0;

		if (last >= WALL_IN_C(lma))
			return last;
		for (int at = 0; at < now.sent; at++)
			if (TYPE(now.net[at]) == PBU && LMA_OF(PARTY(now.net[at])) == lma &&
			    STAMP(now.net[at]) <= last && STAMP(now.net[at]) > kept)
				kept = STAMP(now.net[at]);
		return kept;
	}

	/* The LMA will find it too old. */
	static int is_idle_pbu(short message)
	{
		return TYPE(message) == PBU && IS_OVER(message) &&
		       STAMP(message) + window < WALL_IN_C(LMA_OF(PARTY(message)));
	}

	/* The H-LMA will refuse it whenever it comes, and nobody waits for the answer. */
	static int is_idle_claim(short message)
	{
		return TYPE(message) == CLAIM && IS_OVER(message) && STAMP(message) < now.a_stamp;
	}

	/*
	 * It changes nothing where it comes to, now or later: from now on the H-LMA agrees only
	 * to claims above it. A refusal has no effect either.
	 */
	static int is_idle_update(short message)
	{
		int to = TO(message), target = DLMA(message);

		if (TYPE(message) != UPDATE || target != PARTY(message) || target == HOME ||
		    now.b_state[to] == PENDING)
			return 0;
		if (now.b_state[to] != NONE)
			return STAMP(message) <= now.b_stamp[to];
		for (int at = 0; at < now.sent; at++)
			if (TYPE(now.net[at]) == UPDATE && TO(now.net[at]) == to &&
			    DLMA(now.net[at]) == target && STAMP(now.net[at]) < STAMP(message))
				return 0;
		return now.l_kind[to] == NONE || now.l_target[to] != target ||
		       now.l_stamp[to] >= STAMP(message);
	}

	/* Smallest stamp or time that there is; `by` is taken from all of them. 0 is none. */
	static int shift_one(unsigned char *stamp, int least, int by)
	{
		if (!*stamp)
			return least;
		*stamp -= by;
		return *stamp < least ? *stamp : least;
	}

	static int shift(int by)
	{
		int least = shift_one(&now.a_stamp, shift_one(&now.clock, 255, by), by);

		for (int lma = 0; lma < lmas; lma++) {
			least = shift_one(&now.b_stamp[lma], least, by);
			least = shift_one(&now.b_last[lma], least, by);
			least = shift_one(&now.b_next_stamp[lma], least, by);
			least = shift_one(&now.l_stamp[lma], least, by);
		}
		for (int g = 0; g < mags; g++) {
			least = shift_one(&now.m_last[g], least, by);
			least = shift_one(&now.r_last[g], least, by);
		}
		for (int at = 0; at < now.sent; at++) {
			if (!STAMP(now.net[at]))
				continue;
			now.net[at] -= by << 1;
			if (STAMP(now.net[at]) < least)
				least = STAMP(now.net[at]);
		}
		return least;
	}

	/* Takes out of the state what cannot matter any more: states that then are equal, are. */
	static void trim(void)
	{
		for (int at = now.sent - 1; at >= 0; at--)
			if (is_idle_pbu(now.net[at]))
				bag_take(at);
		for (int g = 0; g < mags; g++) {
			if (now.m_last[g] < WALL_IN_C(LMA_OF(g)))
				now.m_last[g] = 0;
			now.r_last[g] = trim_last(LMA_OF(g), now.r_last[g]);
		}
		for (int lma = 0; lma < lmas; lma++)
			if (!now.b_leaving[lma])
				now.b_last[lma] = trim_last(lma, now.b_last[lma]);
		for (int at = now.sent - 1; !forgets && !last_wins && at >= 0; at--)
			if (is_idle_claim(now.net[at]) || is_idle_update(now.net[at]))
				bag_take(at);
		/* Only what is before what matters. */
		shift(shift(0) - 1);
	}
};

/* For a counter-example only; model.py reads it. */
inline tell_state()
{
	printf("state %d %d %d %d", at, a_dlma, a_previous, a_stamp);
	t = 0;
	do
	:: t < lmas ->
		printf(" %d/%d/%d", b_state[t], b_stamp[t], b_mag[t]);
		printf("/%d/%d/%d", l_kind[t], l_target[t], l_stamp[t]);
		t++
	:: else -> break
	od;
	t = 0;
	do
	:: t < mags -> printf(" %d", m_state[t]); t++
	:: else -> break
	od;
	printf("\n")
}

inline settle()
{
	if
	:: at_home ->
		at_home = 0;
		claim_at_home()
	:: else
	fi;
	c_code { trim(); };
	tell_state();
	check_loops();
	c_code { found = bag_is_at_rest(); };
	if
	:: found && !restarted && m_state[at] != WAITING -> check_rest()
	:: else
	fi
}
