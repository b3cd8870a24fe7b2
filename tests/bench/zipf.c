// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Zipf's distribution with exponent 1 by rejection-inversion (W. Hoermann, G. Derflinger:
 * "Rejection-inversion to generate variates from monotone discrete distributions", 1996): exact,
 * and without a table as long as the range.
 */
#include "zipf.h"
#include <math.h>

/* splitmix64 */
uint64_t zipf_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double below_one(uint64_t *state)
{
	return (double)(zipf_random(state) >> 11) / (double)(1ULL << 53);
}

static uint32_t draw(uint64_t *state, uint32_t count, double low, double high, double sure)
{
	for (;;) {
		double u = high + below_one(state) * (low - high), x = exp(u);
		double k = floor(x + 0.5);

		k = k < 1 ? 1 : k > count ? count : k;
		if (k - x <= sure || u >= log(k + 0.5) - 1 / k)
			return (uint32_t)k - 1;
	}
}

void zipf_draw(uint32_t *ret, uint32_t samples, uint32_t count, uint64_t seed)
{
	double low = log(1.5) - 1, high = log(count + 0.5);
	double sure = 2 - exp(log(2.5) - 0.5);

	for (uint32_t i = 0; i < samples; i++)
		ret[i] = draw(&seed, count, low, high, sure);
}
