/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages, and the bag that they wait in: any of them may come next, so they overtake each other
 * at will. What is sent again until it is answered is never lost for good, it waits; a message
 * whose exchange is over is sent no more, so it may also never come.
 *
 * A message is one number, so that the bag can be kept sorted: bags that hold the same are equal.
 *
 *	type	party	argument	stamp
 *	CLAIM	LMA	intent		of the movement		V-LMA to H-LMA
 *	ANSWER	LMA	verdict		that is in the way	back; the verdict may be a previous D-LMA
 *	UPDATE	sender	to, D-LMA	of the movement		"the MN is there now"
 *	BRI	MAG			of the movement		"do you still have it?"
 *	BRA	MAG			the same		"yes"; that it has not is not said
 *	PBU	MAG	intent		timestamp		a PBA takes no time: see mag.pml
 *
 * The lowest bit says that the exchange is over: nobody waits for the answer.
 */
#define CLAIM 0
#define ANSWER 1
#define UPDATE 2
#define BRI 4
#define BRA 5
#define PBU 6
#define MESSAGE(type, party, argument, stamp) \
	(((type) << 12) | ((party) << 10) | ((argument) << 6) | ((stamp) << 1))
#define TYPE(m) ((m) >> 12)
#define PARTY(m) (((m) >> 10) & 3)
#define ARGUMENT(m) (((m) >> 6) & 15)
#define STAMP(m) (((m) >> 1) & 31)
#define IS_OVER(m) ((m) & 1)
#define TO(m) (ARGUMENT(m) & 3)
#define DLMA(m) (ARGUMENT(m) >> 2)

/* Intents: the handoff indicator of a PBU, or a lifetime of 0. */
#define UNKNOWN 0
#define UNCHANGED 1
#define LEAVE 2
/* Of a BRI: asked for the second time, see revoke_later(). */
#define ONCE 0
#define PACED 1
/* Verdicts. */
#define ACCEPTED 7 /* and no previous D-LMA */
#define LOWER 8
#define PROHIBITED 9

/* Each request and its answer belong to one exchange; a LMA has one for each LMA that it tells. */
#define EXCHANGE(request, party) (8 * (request) + (party))
#define EXCHANGE_UPDATE(party, to) (100 + 4 * (party) + (to))

#define NET_MAX 16
#define STAMP_MAX 31

short net[NET_MAX]; /* largest first */
byte sent = 0;	    /* how many are in it */

hidden short m;	  /* the one being handled */
hidden short out; /* arguments and result of the functions below */
hidden byte exchange, chosen, found;

/* In C, for each of these is wanted in many places, and an inline is a copy. */
c_code {
	static int exchange_of(short message)
	{
		if (TYPE(message) == UPDATE)
			return EXCHANGE_UPDATE(PARTY(message), TO(message));
		return EXCHANGE(TYPE(message) & 6, PARTY(message));
	}

	static void bag_put(short message)
	{
		int at = now.sent++;

		for (; at && now.net[at - 1] < message; at--)
			now.net[at] = now.net[at - 1];
		now.net[at] = message;
	}

	static short bag_take(int at)
	{
		short message = now.net[at];

		now.sent--;
		for (; at < now.sent; at++)
			now.net[at] = now.net[at + 1];
		now.net[at] = 0;
		return message;
	}

	/* exchange_stop(): requests on their way come nevertheless, answers find nobody. */
	static void bag_stop(int stopped)
	{
		int at = 0;

		while (at < now.sent)
			if (exchange_of(now.net[at]) != stopped)
				at++;
			else if (TYPE(now.net[at]) & 1)
				bag_take(at);
			else
				now.net[at++] |= 1;
	}

	static int bag_has_open(int wanted)
	{
		for (int at = 0; at < now.sent; at++)
			if (exchange_of(now.net[at]) == wanted && !IS_OVER(now.net[at]))
				return 1;
		return 0;
	}

	static int bag_is_at_rest(void)
	{
		for (int at = 0; at < now.sent; at++)
			if (!IS_OVER(now.net[at]))
				return 0;
		return 1;
	}
};

inline send(message)
{
	out = message;
	assert(sent < NET_MAX);
	c_code { bag_put(out); }
}

inline take(index)
{
	chosen = index;
	c_code { m = bag_take(chosen); }
}

inline stop(request, party)
{
	exchange = EXCHANGE(request, party);
	c_code { bag_stop(exchange); }
}

inline stop_update(party, to)
{
	exchange = EXCHANGE_UPDATE(party, to);
	c_code { bag_stop(exchange); }
}

/* found: somebody waits for an answer. */
inline find_open(request, party)
{
	exchange = EXCHANGE(request, party);
	c_code { found = bag_has_open(exchange); }
}
